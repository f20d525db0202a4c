// The user of Converse, as a plugin of it: commands come over a WebSocket from converse_peer.py, and events go there.
const NAMESPACES = ["urn:xmpp:omemo:2", "eu.siacs.conversations.axolotl"];
const peer = new WebSocket(`ws://${location.host}/user`);
const emit = (event) => peer.send(JSON.stringify(event));
const sleep = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

/** Waits until `what` gives something, and gives it. */
async function until(what, seconds, complaint) {
    const end = Date.now() + seconds * 1000;
    for (; Date.now() < end; await sleep(50)) {
        const result = await what();
        if (result) return result;
    }
    throw new Error(complaint);
}

let _converse, api, env, told;

const elementOf = (stanza, namespace) => stanza.getElementsByTagNameNS(namespace, "encrypted")[0];
/** In which of the namespaces a stanza is encrypted. */
const namespacesOf = (stanza) => NAMESPACES.filter((namespace) => elementOf(stanza, namespace));

/** A message that Converse shows: what its user reads of it. */
async function tell(message) {
    const shown = message.attributes;
    if (shown.is_only_key || !shown.from || shown.sender === "me" && !shown.is_carbon) return;
    const isRoom = shown.type === "groupchat" || message.collection?.chatbox?.get("type") === "chatroom";
    const about = { from: shown.from, type: isRoom ? "groupchat" : "chat", ns: shown.e2e ?? null };
    // What came before this device was there, from the archive.
    if (shown.error_condition === "not-encrypted-for-this-device" && shown.is_archived) return;
    const isUnread = shown.is_error || shown.is_encrypted && shown.plaintext == null;
    const body = shown.plaintext ?? shown.body;
    const key = message.id + (isUnread ? " unread" : "");
    // Converse shows at each start what it has shown before.
    if (!isUnread && body == null || told.has(key)) return;
    told.add(key);
    if (isUnread) return emit({ ev: "decrypt-failed", key, error: shown.error_text ?? body ?? null, ...about });
    emit({ ev: shown.is_encrypted ? "msg" : "plain", key, body, ...about });
    if (body.startsWith("aesgcm://")) await fetchFile(message, about);
}

/** The link that Converse shows in the place of an encrypted file leads to what it has decrypted. */
async function fetchFile(message, about) {
    try {
        // Converse decrypts what it shows.
        await message.collection.chatbox.maybeShow(true);
        const link = () => document.querySelector(`[data-msgid="${message.get("msgid")}"] a[href^="blob:"]`);
        const shown = await until(link, 20, "Converse shows no file");
        const content = new Uint8Array(await (await fetch(shown.href)).arrayBuffer());
        emit({ ev: "file", content: base64(content), ...about });
    } catch (problem) {
        emit({ ev: "file-failed", error: String(problem), ...about });
    }
}

const base64 = (bytes) => btoa(bytes.reduce((text, byte) => text + String.fromCharCode(byte), ""));

/** Converse says so before it has published everything: its own lists and bundles must be there for others. */
async function isPublished(own) {
    const { stx } = env;
    const read = async (node, item) => {
        const get = stx`<iq type="get" xmlns="jabber:client"><pubsub xmlns="http://jabber.org/protocol/pubsub">
            <items node="${node}"/></pubsub></iq>`;
        const answer = await api.sendIQ(get, undefined, false);
        return Boolean(answer?.querySelector(item));
    };
    return await read("urn:xmpp:omemo:2:devices", `device[id="${own}"]`) &&
        await read("urn:xmpp:omemo:2:bundles", `item[id="${own}"] ik`) &&
        await read("eu.siacs.conversations.axolotl.devicelist", `device[id="${own}"]`) &&
        await read(`eu.siacs.conversations.axolotl.bundles:${own}`, "identityKey");
}

/** Breaks the sessions, as a client does that loses them. */
async function forgetSessions() {
    const store = _converse.state.omemo_store;
    const sessions = () => Object.keys(store.attributes).filter((name) => name.startsWith("session") && store.get(name));
    const found = sessions();
    if (!found.length) emit({ ev: "error", what: "no session was found that could be forgotten" });
    for (const name of found) store.set(name, undefined);
    await new Promise((success) => store.save({}, { success, error: success }));
}

async function beReady(config) {
    if (config.forget) await forgetSessions();
    const own = await api.omemo.getDeviceID();
    await until(() => isPublished(own), 40, "no list or no bundle");
    await api.waitUntil("rosterContactsFetched");
    emit({ ev: "ready", device_id: Number(own) });
}

async function chatWith(command) {
    const chat = command.room ? await api.rooms.get(command.room) : await api.chats.open(command.to);
    await until(() => chat.get("omemo_supported"), 20, "Converse says that there is no OMEMO here");
    // The padlock.
    if (!chat.get("omemo_active")) chat.save("omemo_active", true);
    return chat;
}

// What has left Converse since the last command.
let sent = [];

async function send(command, act) {
    const chat = await chatWith(command);
    const isIt = (stanza) => stanza.querySelector("body") && stanza.getAttribute("to").split("/")[0] === chat.get("jid");
    sent = [];
    await act(chat);
    const found = await until(() => sent.find(isIt), 20).catch(() => {
        const alerts = [...document.querySelectorAll("converse-alert-modal")].map((alert) => alert.innerText);
        throw new Error(`Converse sent nothing, and says: ${alerts.join(" ")}`);
    });
    const namespaces = namespacesOf(found);
    if (!namespaces.length) throw new Error("Converse sent it in clear");
    emit({ ev: "sent", tag: command.tag, namespaces });
}

const COMMANDS = {
    send: (command) => send(command, (chat) => chat.sendMessage({ body: command.body })),
    gsend: (command) => COMMANDS.send(command),
    file: (command) => send(command, (chat) => {
        const content = Uint8Array.from(atob(command.content), (letter) => letter.charCodeAt(0));
        return chat.sendFiles([new File([content], command.name, { type: "text/plain" })]);
    }),
    async join({ room, nick, tag }) {
        const found = await api.rooms.open(room, { nick }, true);
        await until(() => found.isEntered(), 30, "the room was not entered");
        await until(() => found.get("omemo_supported"), 30, "Converse says that there is no OMEMO in this room");
        emit({ ev: "joined", tag });
    },
    async subscribe({ to, tag }) {
        const contact = _converse.state.roster.get(to);
        if (contact?.get("requesting")) contact.authorize();
        if (contact) contact.subscribe();
        else await api.contacts.add({ jid: to, name: to });
        emit({ ev: "ok", tag });
    },
    async quit() {
        api.settings.set("auto_reconnect", false);
        api.connection.get().disconnect();
        // What Converse keeps is written a little later.
        await sleep(700);
        emit({ ev: "bye" });
    },
};

function start(config) {
    told = new Set(config.told);
    window.converse.plugins.add("e2e-user", {
        dependencies: ["converse-omemo", "converse-chat", "converse-muc", "converse-roster"],
        initialize() {
            _converse = this._converse;
            ({ api } = _converse);
            env = window.converse.env;
            const watch = (chat) => {
                if (!chat.messages) return;
                chat.messages.on("add", tell);
                chat.messages.on("change:plaintext", tell);
                chat.messages.each(tell);
            };
            // Called after those of converse-omemo.
            for (const hook of ["parseMessage", "parseMUCMessage"]) {
                api.listen.on(hook, (stanza, attributes) => {
                    // With a key for us in both, Converse reads the first.
                    const own = _converse.state.omemo_store?.get("device_id");
                    attributes.e2e = namespacesOf(stanza).find((namespace) =>
                        elementOf(stanza, namespace).querySelector(`key[rid="${own}"]`));
                    return attributes;
                });
            }
            api.listen.on("send", (stanza) => {
                const element = stanza?.tree?.() ?? stanza;
                if (element?.nodeName === "message") sent.push(element);
            });
            api.listen.on("chatBoxesInitialized", () => {
                _converse.state.chatboxes.on("add", watch);
                _converse.state.chatboxes.each(watch);
            });
            api.listen.on("OMEMOInitialized", () =>
                beReady(config).catch((problem) => emit({ ev: "error", what: String(problem) })));
        },
    });
    window.converse.initialize({
        jid: config.jid, password: config.password, authentication: "login", auto_login: true,
        websocket_url: config.websocket, discover_connection_methods: false, whitelisted_plugins: ["e2e-user"],
        persistent_store: "IndexedDB", allow_non_roster_messaging: true, auto_subscribe: true, play_sounds: false,
        show_desktop_notifications: false, loglevel: "info", muc_nickname_from_jid: true, ...config.settings,
    });
}

async function obey(command) {
    try {
        await COMMANDS[command.cmd](command);
    } catch (problem) {
        emit({ ev: "error", tag: command.tag, what: String(problem) });
    }
}

// One after the other. What comes first is no command.
let order;
peer.onmessage = ({ data }) => {
    const command = JSON.parse(data);
    order = order ? order.then(() => obey(command)) : Promise.resolve(start(command));
};
