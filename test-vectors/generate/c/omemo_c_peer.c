/* SPDX-License-Identifier: MIT
 * Line-driven wrapper around libomemo-c (public API only), crypto provider = OpenSSL libcrypto.
 * Linking it with libomemo-c makes the *binary* GPL-3.0; it is a test tool and is never shipped.
 *   seed HEX | force HEX|- | once HEX | identity PRIV REGID | spk ID PRIV | pk ID PRIV | rmpk ID | haspk ID
 *   bundle VER IK SPKID SPK SIG PKID PK | enc VER PT | dec VER KEX DATA | sign VER MSG | verify VER KEY MSG SIG | version
 * Every command answers with one line: "ok ..." or "err CODE". */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <signal_protocol.h>
#include <session_builder.h>
#include <session_cipher.h>
#include <session_pre_key.h>
#include <key_helper.h>
#include <curve.h>
#include <protocol.h>

/* The library's headers do not say its version; whoever compiles this passes what pkg-config says. */
#ifndef LIBOMEMO_C_VERSION
#define LIBOMEMO_C_VERSION "unknown"
#endif
#define MAXB (1 << 20)
static signal_context *ctx; static signal_protocol_store_context *store;
static uint8_t seed[32], forced[32], once[32]; static int have_forced, have_once; static uint64_t ctr;
static uint8_t id_priv[32]; static signal_buffer *id_pub; static uint32_t reg_id;
static const char *PEER = "peer"; static int peer_dev = 1;

/* ---- crypto provider ---- */
static int rnd(uint8_t *d, size_t n, void *u) {
    (void)u; if (have_once && n == 32) { have_once = 0; memcpy(d, once, 32); return 0; }
    if (have_forced && n == 32) { memcpy(d, forced, 32); return 0; }
    while (n) { uint8_t b[40], h[32]; memcpy(b, seed, 32); for (int i = 0; i < 8; i++) b[32 + i] = (uint8_t)(ctr >> (8 * i)); ctr++;
        SHA256(b, 40, h); size_t k = n < 32 ? n : 32; memcpy(d, h, k); d += k; n -= k; }
    return 0; }
static int h_init(void **c, const uint8_t *k, size_t n, void *u) { (void)u; HMAC_CTX *h = HMAC_CTX_new(); *c = h; return HMAC_Init_ex(h, k, (int)n, EVP_sha256(), 0) ? 0 : -1; }
static int h_upd(void *c, const uint8_t *d, size_t n, void *u) { (void)u; return HMAC_Update(c, d, n) ? 0 : -1; }
static int h_fin(void *c, signal_buffer **o, void *u) { (void)u; uint8_t m[32]; unsigned l = 32; if (!HMAC_Final(c, m, &l)) return -1; *o = signal_buffer_create(m, l); return 0; }
static void h_clr(void *c, void *u) { (void)u; HMAC_CTX_free(c); }
static int s_init(void **c, void *u) { (void)u; EVP_MD_CTX *m = EVP_MD_CTX_new(); *c = m; return EVP_DigestInit_ex(m, EVP_sha512(), 0) ? 0 : -1; }
static int s_upd(void *c, const uint8_t *d, size_t n, void *u) { (void)u; return EVP_DigestUpdate(c, d, n) ? 0 : -1; }
static int s_fin(void *c, signal_buffer **o, void *u) { (void)u; uint8_t m[64]; unsigned l = 64; if (!EVP_DigestFinal_ex(c, m, &l)) return -1; *o = signal_buffer_create(m, l); return EVP_DigestInit_ex(c, EVP_sha512(), 0) ? 0 : -1; }
static void s_clr(void *c, void *u) { (void)u; EVP_MD_CTX_free(c); }
static int aes(int enc, signal_buffer **o, int cipher, const uint8_t *k, size_t kl, const uint8_t *iv, const uint8_t *in, size_t n) {
    const EVP_CIPHER *t = kl == 32 ? (cipher == SG_CIPHER_AES_CBC_PKCS5 ? EVP_aes_256_cbc() : EVP_aes_256_ctr())
                                   : (cipher == SG_CIPHER_AES_CBC_PKCS5 ? EVP_aes_128_cbc() : EVP_aes_128_ctr());
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new(); uint8_t *b = malloc(n + 32); int a = 0, z = 0, r = -1;
    if (EVP_CipherInit_ex(c, t, 0, k, iv, enc)) { if (cipher != SG_CIPHER_AES_CBC_PKCS5) EVP_CIPHER_CTX_set_padding(c, 0);
        if (EVP_CipherUpdate(c, b, &a, in, (int)n) && EVP_CipherFinal_ex(c, b + a, &z)) { *o = signal_buffer_create(b, a + z); r = 0; } }
    free(b); EVP_CIPHER_CTX_free(c); return r; }
static int a_enc(signal_buffer **o, int c, const uint8_t *k, size_t kl, const uint8_t *iv, size_t il, const uint8_t *p, size_t n, void *u) { (void)il; (void)u; return aes(1, o, c, k, kl, iv, p, n); }
static int a_dec(signal_buffer **o, int c, const uint8_t *k, size_t kl, const uint8_t *iv, size_t il, const uint8_t *p, size_t n, void *u) { (void)il; (void)u; return aes(0, o, c, k, kl, iv, p, n); }

/* ---- stores: one remote device, so one session record (per version: one process drives one version) ---- */
static signal_buffer *sess, *pinned;
static int ss_load(signal_buffer **r, signal_buffer **ur, const signal_protocol_address *a, void *u) { (void)a; (void)u; if (ur) *ur = 0; if (!sess) return 0; *r = signal_buffer_copy(sess); return 1; }
static int ss_sub(signal_int_list **l, const char *n, size_t nl, void *u) { (void)n; (void)nl; (void)u; *l = signal_int_list_alloc(); return 0; }
static int ss_store(const signal_protocol_address *a, uint8_t *r, size_t n, uint8_t *ur, size_t un, void *u) { (void)a; (void)ur; (void)un; (void)u; if (sess) signal_buffer_free(sess); sess = signal_buffer_create(r, n); return 0; }
static int ss_has(const signal_protocol_address *a, void *u) { (void)a; (void)u; return sess != 0; }
static int ss_del(const signal_protocol_address *a, void *u) { (void)a; (void)u; if (sess) signal_buffer_free(sess); sess = 0; return 1; }
static int ss_delall(const char *n, size_t nl, void *u) { (void)n; (void)nl; (void)u; return ss_del(0, 0); }
struct kv { uint32_t id; signal_buffer *b; }; static struct kv pks[512], spks[64]; static int npk, nspk;
static int kv_get(struct kv *t, int n, uint32_t id, signal_buffer **o) { for (int i = 0; i < n; i++) if (t[i].b && t[i].id == id) { if (o) *o = signal_buffer_copy(t[i].b); return 1; } return 0; }
static int pk_load(signal_buffer **r, uint32_t id, void *u) { (void)u; return kv_get(pks, npk, id, r) ? SG_SUCCESS : SG_ERR_INVALID_KEY_ID; }
static int pk_store(uint32_t id, uint8_t *r, size_t n, void *u) { (void)u; if (npk == 512) return SG_ERR_NOMEM; pks[npk].id = id; pks[npk++].b = signal_buffer_create(r, n); return 0; }
static int pk_has(uint32_t id, void *u) { (void)u; return kv_get(pks, npk, id, 0); }
static int pk_rm(uint32_t id, void *u) { (void)u; for (int i = 0; i < npk; i++) if (pks[i].id == id) pks[i].b = 0; return 0; }
static int sp_load(signal_buffer **r, uint32_t id, void *u) { (void)u; return kv_get(spks, nspk, id, r) ? SG_SUCCESS : SG_ERR_INVALID_KEY_ID; }
static int sp_store(uint32_t id, uint8_t *r, size_t n, void *u) { (void)u; if (nspk == 64) return SG_ERR_NOMEM; spks[nspk].id = id; spks[nspk++].b = signal_buffer_create(r, n); return 0; }
static int sp_has(uint32_t id, void *u) { (void)u; return kv_get(spks, nspk, id, 0); }
static int sp_rm(uint32_t id, void *u) { (void)u; (void)id; return 0; }
static int ik_pair(signal_buffer **p, signal_buffer **q, void *u) { (void)u; *p = signal_buffer_copy(id_pub); *q = signal_buffer_create(id_priv, 32); return 0; }
static int ik_reg(void *u, uint32_t *r) { (void)u; *r = reg_id; return 0; }
static int ik_save(const signal_protocol_address *a, uint8_t *k, size_t n, void *u) { (void)a; (void)u; if (pinned) signal_buffer_free(pinned); pinned = k ? signal_buffer_create(k, n) : 0; return 0; }
static int ik_trust(const signal_protocol_address *a, uint8_t *k, size_t n, void *u) { (void)a; (void)u; return !pinned || (signal_buffer_len(pinned) == n && !memcmp(signal_buffer_data(pinned), k, n)); }
static void nop(void *u) { (void)u; }

static size_t unhex(const char *s, uint8_t *o) { size_t n = 0; unsigned x; if (*s == '-') return 0; while (n < MAXB / 8 && sscanf(s, "%2x", &x) == 1) { o[n++] = (uint8_t)x; s += 2; if (!*s) break; } return n; }
static void hex(const uint8_t *b, size_t n) { if (!n) putchar('-'); for (size_t i = 0; i < n; i++) printf("%02x", b[i]); }
static void hexb(signal_buffer *b) { hex(signal_buffer_data(b), signal_buffer_len(b)); }
static ec_key_pair *pair(const uint8_t *p) { ec_private_key *k; ec_public_key *q; ec_key_pair *r; curve_decode_private_point(&k, p, 32, ctx); curve_generate_public_key(&q, k); ec_key_pair_create(&r, q, k); return r; }

int main(int argc, char **argv) {
    static char line[2 * MAXB]; static uint8_t B[8][MAXB / 8];
    (void)argc; (void)argv;
    signal_context_create(&ctx, 0);
    signal_crypto_provider cp = { rnd, h_init, h_upd, h_fin, h_clr, s_init, s_upd, s_fin, s_clr, a_enc, a_dec, 0 };
    signal_context_set_crypto_provider(ctx, &cp);
    signal_protocol_store_context_create(&store, ctx);
    signal_protocol_session_store a = { ss_load, ss_sub, ss_store, ss_has, ss_del, ss_delall, nop, 0 }; signal_protocol_store_context_set_session_store(store, &a);
    signal_protocol_pre_key_store b = { pk_load, pk_store, pk_has, pk_rm, nop, 0 }; signal_protocol_store_context_set_pre_key_store(store, &b);
    signal_protocol_signed_pre_key_store c = { sp_load, sp_store, sp_has, sp_rm, nop, 0 }; signal_protocol_store_context_set_signed_pre_key_store(store, &c);
    signal_protocol_identity_key_store d = { ik_pair, ik_reg, ik_save, ik_trust, nop, 0 }; signal_protocol_store_context_set_identity_key_store(store, &d);
    signal_protocol_address addr = { PEER, strlen(PEER), peer_dev };
    while (fgets(line, sizeof line, stdin)) {
        char *w[10]; int n = 0; for (char *t = strtok(line, " \n"); t && n < 10; t = strtok(0, " \n")) w[n++] = t;
        if (!n) continue;
        int r = 0; const char *cmd = w[0];
        if (!strcmp(cmd, "seed")) { unhex(w[1], seed); ctr = 0; puts("ok"); }
        else if (!strcmp(cmd, "force")) { have_forced = unhex(w[1], forced) == 32; puts("ok"); }
        else if (!strcmp(cmd, "once")) { have_once = unhex(w[1], once) == 32; puts("ok"); }
        else if (!strcmp(cmd, "identity")) {
            unhex(w[1], id_priv); reg_id = strtoul(w[2], 0, 10); ec_key_pair *k = pair(id_priv); ec_public_key_serialize(&id_pub, ec_key_pair_get_public(k));
            printf("ok "); hexb(ec_public_key_get_mont(ec_key_pair_get_public(k))); putchar(' '); hexb(ec_public_key_get_ed(ec_key_pair_get_public(k))); putchar('\n'); }
        else if (!strcmp(cmd, "spk")) {
            unhex(w[2], B[0]); ec_key_pair *k = pair(B[0]); ec_private_key *ip; curve_decode_private_point(&ip, id_priv, 32, ctx);
            signal_buffer *p, *q, *s1, *s2; session_signed_pre_key *o; ec_public_key_serialize(&p, ec_key_pair_get_public(k)); ec_public_key_serialize_omemo(&q, ec_key_pair_get_public(k));
            curve_calculate_signature(ctx, &s1, ip, signal_buffer_data(p), signal_buffer_len(p)); curve_calculate_signature(ctx, &s2, ip, signal_buffer_data(q), signal_buffer_len(q));
            session_signed_pre_key_create(&o, strtoul(w[1], 0, 10), 1700000000000ULL, k, signal_buffer_data(s1), 64, signal_buffer_data(s2), 64); signal_protocol_signed_pre_key_store_key(store, o);
            printf("ok "); hexb(s1); putchar(' '); hexb(s2); putchar('\n'); }
        else if (!strcmp(cmd, "pk")) { unhex(w[2], B[0]); session_pre_key *o; session_pre_key_create(&o, strtoul(w[1], 0, 10), pair(B[0])); signal_protocol_pre_key_store_key(store, o); puts("ok"); }
        else if (!strcmp(cmd, "rmpk")) { pk_rm(strtoul(w[1], 0, 10), 0); puts("ok"); }
        else if (!strcmp(cmd, "haspk")) printf("ok %d\n", pk_has(strtoul(w[1], 0, 10), 0));
        else if (!strcmp(cmd, "bundle")) {
            int v = atoi(w[1]); size_t l0 = unhex(w[2], B[0]), l1 = unhex(w[4], B[1]), l2 = unhex(w[5], B[2]), l3 = unhex(w[7], B[3]); ec_public_key *ik = 0, *sp = 0, *pk = 0;
            if (v == 4) { r = curve_decode_point_ed(&ik, B[0], l0, ctx); if (r >= 0) r = curve_decode_point_mont(&sp, B[1], l1, ctx); if (r >= 0) r = curve_decode_point_mont(&pk, B[3], l3, ctx); }
            else { r = curve_decode_point(&ik, B[0], l0, ctx); if (r >= 0) r = curve_decode_point(&sp, B[1], l1, ctx); if (r >= 0) r = curve_decode_point(&pk, B[3], l3, ctx); }
            if (r >= 0) { session_pre_key_bundle *bu; session_builder *sb; r = session_pre_key_bundle_create(&bu, 1, peer_dev, strtoul(w[6], 0, 10), pk, strtoul(w[3], 0, 10), sp, B[2], l2, ik);
                if (r >= 0) { session_builder_create(&sb, store, &addr, ctx); session_builder_set_version(sb, v); r = session_builder_process_pre_key_bundle(sb, bu); session_builder_free(sb); } }
            if (r < 0) printf("err %d\n", r); else puts("ok"); }
        else if (!strcmp(cmd, "enc")) {
            int v = atoi(w[1]); size_t l = unhex(w[2], B[0]); session_cipher *sc; session_cipher_create(&sc, store, &addr, ctx); session_cipher_set_version(sc, v);
            ciphertext_message *m = 0; r = session_cipher_encrypt(sc, B[0], l, &m);
            if (r < 0) printf("err %d\n", r); else { printf("ok %d ", ciphertext_message_get_type(m) == CIPHERTEXT_PREKEY_TYPE); hexb(ciphertext_message_get_serialized(m)); putchar('\n'); SIGNAL_UNREF(m); }
            session_cipher_free(sc); }
        else if (!strcmp(cmd, "dec")) {
            int v = atoi(w[1]), kex = atoi(w[2]); size_t l = unhex(w[3], B[0]); session_cipher *sc; session_cipher_create(&sc, store, &addr, ctx); session_cipher_set_version(sc, v); signal_buffer *pt = 0;
            /* libomemo-c calls save_identity BEFORE the message is decrypted; a careful client rolls that back on failure, and so do we */
            signal_buffer *was = pinned ? signal_buffer_copy(pinned) : 0;
            if (kex) { pre_key_signal_message *m = 0; r = v == 4 ? pre_key_signal_message_deserialize_omemo(&m, B[0], l, 1, ctx) : pre_key_signal_message_deserialize(&m, B[0], l, ctx);
                if (r >= 0) { r = session_cipher_decrypt_pre_key_signal_message(sc, m, 0, &pt); SIGNAL_UNREF(m); } }
            else { signal_message *m = 0; r = v == 4 ? signal_message_deserialize_omemo(&m, B[0], l, ctx) : signal_message_deserialize(&m, B[0], l, ctx);
                if (r >= 0) { r = session_cipher_decrypt_signal_message(sc, m, 0, &pt); SIGNAL_UNREF(m); } }
            if (r < 0) { if (pinned) signal_buffer_free(pinned); pinned = was; } else if (was) signal_buffer_free(was);
            if (r < 0) printf("err %d\n", r); else { printf("ok "); hexb(pt); putchar('\n'); signal_buffer_free(pt); }
            session_cipher_free(sc); }
        else if (!strcmp(cmd, "sign")) { size_t l = unhex(w[2], B[0]); ec_private_key *ip; signal_buffer *s; curve_decode_private_point(&ip, id_priv, 32, ctx); r = curve_calculate_signature(ctx, &s, ip, B[0], l); if (r < 0) printf("err %d\n", r); else { printf("ok "); hexb(s); putchar('\n'); } }
        else if (!strcmp(cmd, "verify")) { int v = atoi(w[1]); size_t l0 = unhex(w[2], B[0]), l1 = unhex(w[3], B[1]), l2 = unhex(w[4], B[2]); ec_public_key *k = 0;
            r = v == 4 ? curve_decode_point_ed(&k, B[0], l0, ctx) : curve_decode_point(&k, B[0], l0, ctx); if (r >= 0) r = curve_verify_signature(k, B[1], l1, B[2], l2); printf("%s %d\n", r < 0 ? "err" : "ok", r); }
        else if (!strcmp(cmd, "version")) puts("ok " LIBOMEMO_C_VERSION);
        else puts("err 0");
        fflush(stdout);
    }
    return 0;
}
