//! Wycheproof's files.

use super::alteration::{failures, other_digit, read};

#[test]
fn every_wycheproof_file() {
    for (file, field) in [
        ("aes_cbc_pkcs5_test", "ct"),
        ("aes_gcm_test", "tag"),
        ("ed25519_test", "sig"),
        ("hkdf_sha256_test", "okm"),
        ("hmac_sha256_test", "tag"),
        ("x25519_test", "shared"),
    ] {
        let path = format!("wycheproof/{file}.json");
        let mut content = read(&path);
        let before = failures(file, "w.json", &content.to_string());
        assert_eq!(before, [], "{file}");
        let mut last = 0;
        for group in content["testGroups"].as_array_mut().unwrap() {
            let bits = group["keySize"].as_u64();
            if file.starts_with("aes_gcm") && (bits != Some(128) || group["ivSize"] != 96)
                || file.starts_with("aes_cbc") && bits != Some(256)
            {
                continue;
            }
            for test in group["tests"].as_array_mut().unwrap() {
                let aad = test["aad"].as_str().is_some_and(|aad| !aad.is_empty());
                if last == 0 && !aad && test["result"] == "valid" && test[field] != "" {
                    other_digit(&mut test[field]);
                    last = test["tcId"].as_u64().unwrap();
                }
            }
        }
        let failed = failures(file, "w.json", &content.to_string());
        assert_eq!(failed.len(), 1, "{file}");
        assert_eq!(failed[0].item, format!("tcId {last}"), "{file}");

        let mut short = read(&path);
        short["testGroups"].as_array_mut().unwrap().pop();
        assert_eq!(
            failures(file, "w.json", &short.to_string()).len(),
            1,
            "{file}: a group less"
        );
        short["algorithm"] = "ROT13".into();
        assert_eq!(
            failures(file, "w.json", &short.to_string()).len(),
            1,
            "{file}: ROT13"
        );
    }
}
