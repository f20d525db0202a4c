use super::*;

fn walk(xml: &str, scope: Scope) -> Result<(), StanzaError> {
    let mut reader = Reader::new(xml, scope)?;
    reader.root()?;
    reader.skip()?;
    reader.finish()
}

fn error(xml: &str) -> StanzaError {
    walk(xml, Scope::Document).unwrap_err()
}

#[test]
fn what_xmpp_allows() {
    for xml in [
        "<a/>",
        " \n<a>\t</a >\r\n",
        "<a b='1' c=\"'\"><d xmlns='x' xmlns:e='y'><e:f e:g='>'/></d>&lt;&#x41;</a>",
        "<a><![CDATA[<b>&c;]]></a>",
        "<a xml:lang='en'>]]</a>",
    ] {
        assert_eq!(walk(xml, Scope::Document), Ok(()), "{xml}");
    }
}

#[test]
fn what_is_not_well_formed() {
    for xml in [
        "",
        " ",
        "a",
        "<",
        "<a",
        "<a>",
        "<a><b></a></b>",
        "</a>",
        "<a/></a>",
        "<a/><a/>",
        "<a/>b",
        "b<a/>",
        "<a/>&lt;",
        "<![CDATA[ ]]><a/>",
        "<a b='1' b='2'/>",
        "<a b='1'c='2'/>",
        "<a b=1/>",
        "<a b='<'/>",
        "<a></a b='1'>",
        "<a/ >",
        "<1a/>",
        "<a:b:c xmlns:a='x'/>",
        "<>",
        "< a/>",
        "<a>]]></a>",
        "<a>&</a>",
        "<a>&lt</a>",
        "<a><![CDATA[</a>",
        "<a><![cdata[]]></a>",
        "<!ELEMENT a><a/>",
    ] {
        assert_eq!(error(xml), XmlError::Syntax.into(), "{xml}");
    }
}

#[test]
fn what_xmpp_forbids() {
    for (xml, expected) in [
        ("<a><!-- b --></a>", XmlError::Comment),
        ("<!-- b --><a/>", XmlError::Comment),
        ("<a><?b c?></a>", XmlError::Instruction),
        ("<?xml version='1.0'?><a/>", XmlError::Instruction),
        ("<!DOCTYPE a><a/>", XmlError::DocumentType),
        (
            "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
            XmlError::DocumentType,
        ),
        ("<a>&b;</a>", XmlError::Entity),
        ("<a b='&c;'/>", XmlError::Entity),
        ("<a>\u{1}</a>", XmlError::Character),
        ("<a>&#1;</a>", XmlError::Character),
        ("<a b='\u{fffe}'/>", XmlError::Character),
        ("\u{feff}<a/>", XmlError::Character),
        ("<b:a/>", XmlError::Namespace),
        ("<a b:c='1'/>", XmlError::Namespace),
        ("<a xmlns:b=''/>", XmlError::Namespace),
        ("<a xmlns:xml='b'/>", XmlError::Namespace),
        ("<xmlns:a/>", XmlError::Namespace),
        ("<a xmlns='b c'/>", XmlError::Namespace),
        ("<a xmlns:b='}'/>", XmlError::Namespace),
        (
            "<a xmlns='http://www.w3.org/2000/xmlns/'/>",
            XmlError::Namespace,
        ),
        ("<a xmlns='jabber&#58;client'/>", XmlError::Namespace),
        (
            "<a xmlns:b='x' xmlns:c='x' b:d='1' c:d='2'/>",
            XmlError::Namespace,
        ),
    ] {
        assert_eq!(error(xml), expected.into(), "{xml}");
    }
}

#[test]
fn a_stream_may_declare_prefixes_outside() {
    assert_eq!(walk("<b:a c:d='1' e:d='2'/>", Scope::Stream), Ok(()));
}

#[test]
fn limits() {
    let nested = |depth: usize| "<a>".repeat(depth) + &"</a>".repeat(depth);
    assert_eq!(walk(&nested(MAX_DEPTH), Scope::Document), Ok(()));
    assert_eq!(error(&nested(MAX_DEPTH + 1)), Limit::Depth.into());

    let declared = |count: usize| {
        let all: String = (0..count).map(|i| format!(" xmlns:n{i}='x'")).collect();
        format!("<a><b{}/><b{0}/></a>", all)
    };
    assert_eq!(walk(&declared(MAX_NAMESPACES), Scope::Document), Ok(()));
    assert_eq!(
        error(&declared(MAX_NAMESPACES + 1)),
        Limit::Namespaces.into()
    );

    let long = format!("<a>{}</a>", "b".repeat(MAX_BYTES - 7));
    assert_eq!(walk(&long, Scope::Document), Ok(()));
    assert_eq!(error(&(long + " ")), Limit::Bytes.into());
}

#[test]
fn text_is_joined_and_borrowed_where_it_is_one_piece() {
    let text = |xml| {
        let mut reader = Reader::new(xml, Scope::Document).unwrap();
        reader.root().unwrap();
        reader.text().unwrap()
    };
    assert!(matches!(text("<a>b\nc</a>"), Cow::Borrowed("b\nc")));
    assert_eq!(
        text("<a>b&amp;<c>d</c><![CDATA[&lt;]]>\r\ne&#xA;</a>"),
        "b&&lt;\ne\n"
    );
    assert_eq!(text("<a/>"), "");
}

#[test]
fn content_keeps_its_meaning_outside() {
    let content = |xml| {
        let mut reader = Reader::new(xml, Scope::Document).unwrap();
        reader.root().unwrap();
        reader.content(|_| true, |reader, _| reader.skip()).unwrap()
    };
    let own = "<b xmlns='y'>&lt;c&gt;</b> <b xmlns='z'/>";
    let xml = format!("<a xmlns='x'>{own}</a>");
    let mut reader = Reader::new(&xml, Scope::Document).unwrap();
    reader.root().unwrap();
    assert!(matches!(
        reader.content(|_| true, |reader, _| reader.skip()),
        Ok(Cow::Borrowed(same)) if same == own
    ));
    assert_eq!(
        content("<a xmlns='x'><b/><c d='1'/></a>"),
        "<b xmlns=\"x\"/><c xmlns=\"x\" d='1'/>"
    );
    assert_eq!(
        content("<x:a xmlns:x=\"'\"><b y='1'/><x:c xmlns='z'><x:d/></x:c></x:a>"),
        "<b xmlns=\"\" xmlns:x=\"'\" y='1'/><x:c xmlns:x=\"'\" xmlns='z'><x:d/></x:c>"
    );
    assert_eq!(content("<a/>"), "");
}

#[test]
fn content_leaves_out_what_is_not_wanted() {
    let content = |xml| {
        let mut reader = Reader::new(xml, Scope::Document).unwrap();
        reader.root().unwrap();
        let wanted = |tag: &Tag<'_>| tag.local() != "n";
        let content = reader.content(wanted, |reader, _| reader.skip());
        reader.finish().unwrap();
        content.unwrap()
    };
    for (xml, left) in [
        ("<a><n/></a>", ""),
        ("<a>1<n>2</n>3</a>", "13"),
        (
            "<a><n xmlns='x'><b/></n><b xmlns='y'/></a>",
            "<b xmlns='y'/>",
        ),
        ("<a><b xmlns='y'/><n/></a>", "<b xmlns='y'/>"),
        (
            "<a xmlns='x'>1<n/>2<b/>3<n><n/></n>4<c><n/></c><n/></a>",
            "12<b xmlns=\"x\"/>34<c xmlns=\"x\"><n/></c>",
        ),
    ] {
        assert_eq!(content(xml), left, "{xml}");
    }
}
