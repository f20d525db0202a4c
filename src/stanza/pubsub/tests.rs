use super::*;

const DEVICES: &str = "<devices xmlns='urn:xmpp:omemo:2'><device id='1'/></devices>";

fn result(node: &str, items: &str) -> Items<'static> {
    let xml = format!(
        "<iq type='result' from='juliet@a'><pubsub xmlns='http://jabber.org/protocol/pubsub'>\
         <items node='{node}'>{items}</items></pubsub></iq>"
    );
    Items::read(xml.leak()).unwrap().unwrap()
}

#[test]
fn the_item_named_current_counts_and_without_it_the_last() {
    let items = result(
        "urn:xmpp:omemo:2:devices",
        &format!("<item id='current'>{DEVICES}</item><item><x xmlns='y'/></item><item id='z'/>"),
    );
    assert!(items.has_current());
    assert_eq!(items.device_list().unwrap().unwrap().devices.len(), 1);

    let items = result(
        "urn:xmpp:omemo:2:devices",
        &format!("<item id='old'><x xmlns='y'/></item><item>{DEVICES}</item><item id='z'/>"),
    );
    assert!(!items.has_current());
    assert_eq!(items.source, Source::Result);
    assert_eq!(items.from.as_deref(), Some("juliet@a"));
    let ids: Vec<_> = items.items.iter().map(|item| item.id.as_deref()).collect();
    assert_eq!(ids, [Some("old"), None, Some("z")]);
    let list = items.device_list().unwrap().unwrap();
    assert_eq!(list.devices.len(), 1);
    assert_eq!(items.bundle(DeviceId::new(1).unwrap()), Ok(None));

    let empty = result("urn:xmpp:omemo:2:devices", "");
    assert_eq!(empty.device_list(), Ok(None));
    let wrong = result(
        "eu.siacs.conversations.axolotl.devicelist",
        &format!("<item>{DEVICES}</item>"),
    );
    assert_eq!(wrong.device_list(), Err(StanzaError::missing("list")));
}

#[test]
fn bundles_are_found_by_node_or_by_item() {
    let (one, two) = (DeviceId::new(1).unwrap(), DeviceId::new(2).unwrap());
    let bundle = "<bundle xmlns='eu.siacs.conversations.axolotl'/>";
    let legacy = result(
        "eu.siacs.conversations.axolotl.bundles:1",
        &format!("<item id='current'>{bundle}</item>"),
    );
    assert_eq!(legacy.bundle_devices().collect::<Vec<_>>(), [one]);
    assert_eq!(legacy.bundle(two), Ok(None));
    let error = StanzaError::missing("signedPreKeyPublic");
    assert_eq!(legacy.bundle(one), Err(error));

    let bundle = "<bundle xmlns='urn:xmpp:omemo:2'/>";
    let omemo2 = result(
        "urn:xmpp:omemo:2:bundles",
        &format!("<item id='x'>{bundle}</item><item id='2'>{bundle}</item><item id='1'/>"),
    );
    assert_eq!(omemo2.bundle_devices().collect::<Vec<_>>(), [two]);
    assert_eq!(omemo2.bundle(one), Ok(None));
    assert_eq!(omemo2.bundle(two), Err(StanzaError::missing("spk")));
    assert_eq!(omemo2.device_list(), Ok(None));
}

#[test]
fn a_payload_keeps_the_declarations_around_it() {
    let items = result(
        "urn:xmpp:omemo:2:devices",
        "<item xmlns:o='urn:xmpp:omemo:2'><o:devices><o:device id='5'/></o:devices></item>",
    );
    let list = items.device_list().unwrap().unwrap();
    assert_eq!(list.devices[0].id.get(), 5);
}

#[test]
fn events_and_publications() {
    let event = |inside: &str| {
        let xml = format!(
            "<message from='juliet@a'><event xmlns='http://jabber.org/protocol/pubsub#event'>\
             {inside}</event></message>"
        );
        Items::read(xml.leak()).unwrap()
    };
    let node = "node='urn:xmpp:omemo:2:devices'";
    let items = event(&format!(
        "<items {node}><item id='current'>{DEVICES}</item></items>"
    ));
    let items = items.unwrap();
    assert_eq!(items.source, Source::Event);
    assert!(items.device_list().unwrap().is_some());
    let items = event(&format!("<items {node}><retract id='current'/></items>")).unwrap();
    assert_eq!(
        (items.source, items.device_list()),
        (Source::Event, Ok(None))
    );
    for gone in ["delete", "purge"] {
        let items = event(&format!("<{gone} {node}/>")).unwrap();
        assert_eq!((items.source, items.items.len()), (Source::Removal, 0));
    }
    assert_eq!(event("<items node='urn:xmpp:mood'/>"), None);

    let publish = format!(
        "<iq type='set'><pubsub xmlns='http://jabber.org/protocol/pubsub'>\
         <publish {node}><item id='current'>{DEVICES}</item></publish>\
         <publish-options/></pubsub></iq>"
    );
    let items = Items::read(&publish).unwrap().unwrap();
    assert_eq!((items.source, items.items.len()), (Source::Publish, 1));
    for other in ["get", "error", "result"] {
        let xml = publish.replace("'set'", &format!("'{other}'"));
        assert_eq!(Items::read(&xml), Ok(None), "{other}");
    }
    for other in ["<presence/>", "<message/>", "<iq type='result'/>"] {
        assert_eq!(Items::read(other), Ok(None), "{other}");
    }
}

#[test]
fn items_are_counted() {
    let items = |count: usize| {
        let xml = format!(
            "<iq type='result'><pubsub xmlns='http://jabber.org/protocol/pubsub'>\
             <items node='urn:xmpp:omemo:2:devices'>{}</items></pubsub></iq>",
            "<item/>".repeat(count)
        );
        Items::read(&xml).map(|items| items.unwrap().items.len())
    };
    assert_eq!(items(MAX_ITEMS), Ok(MAX_ITEMS));
    assert_eq!(items(MAX_ITEMS + 1), Err(Limit::Items.into()));
}
