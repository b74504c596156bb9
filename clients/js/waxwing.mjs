// Opens sealed messages with WebCrypto alone, in browsers and in Node 20: docs/clients.md.
const RSA = { name: "RSA-OAEP", hash: "SHA-256" };
const subtle = globalThis.crypto.subtle;
const utf8 = (text) => new TextEncoder().encode(text);
const unb64 = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const b64 = (data) => btoa(String.fromCharCode(...new Uint8Array(data))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=/g, "");
const joined = (...parts) => new Uint8Array(parts.flatMap((part) => [...part]));

/** A device's key pair. The private half cannot be read out: keep it as it is, in IndexedDB. */
export const makePair = () => subtle.generateKey(
  { ...RSA, modulusLength: 4096, publicExponent: new Uint8Array([1, 0, 1]) }, false, ["wrapKey", "unwrapKey"]);

/** What a compact JWE of type `typ` holds for the owner of `privateKey`. */
export async function openJwe(privateKey, jwe, typ) {
  const [head, wrapped, iv, body, tag] = jwe.split(".");
  const header = JSON.parse(new TextDecoder().decode(unb64(head)));
  if (header.alg !== "RSA-OAEP-256" || header.enc !== "A256GCM" || header.typ !== typ) throw new Error("not a JWE for this");
  const key = await subtle.unwrapKey("raw", unb64(wrapped), privateKey, RSA, "AES-GCM", false, ["decrypt"]);
  return subtle.decrypt({ name: "AES-GCM", iv: unb64(iv), additionalData: utf8(head) }, key, joined(unb64(body), unb64(tag)));
}

/** The HKDF key in the JWE of a session key, if it is the one that `keyId` names. */
export async function sessionKey(privateKey, jwe, keyId) {
  const raw = unb64(JSON.parse(new TextDecoder().decode(await openJwe(privateKey, jwe, "session-key+jwe"))).k);
  const hmac = await subtle.importKey("raw", raw, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  if (b64(await subtle.sign("HMAC", hmac, utf8("waxwing/v1/key-id"))) !== keyId) throw new Error("another key");
  return subtle.importKey("raw", raw, "HKDF", false, ["deriveKey"]);
}

/** The text of an event frame that came over a socket with `content: "sealed"`. */
export async function openFrame({ conversationId, data }, tenantId, key) {
  const { algorithm, iv, authTag, keyId } = data.encryptionMetadata;
  if (data.encryptionVersion !== "1" || algorithm !== "AES-256-GCM") throw new Error("a newer version");
  const context = `waxwing/v1:${tenantId}:${conversationId}:${data.messageId}:content:${keyId}`;
  const derivation = { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(), info: utf8(`waxwing/v1/message-key:${context}`) };
  const messageKey = await subtle.deriveKey(derivation, key, { name: "AES-GCM", length: 256 }, false, ["decrypt"]);
  const sealed = joined(unb64(data.content), unb64(authTag));
  const padded = new Uint8Array(await subtle.decrypt({ name: "AES-GCM", iv: unb64(iv), additionalData: utf8(`${context}:`) }, messageKey, sealed));
  return new TextDecoder().decode(padded.subarray(0, padded.lastIndexOf(0x80)));
}

/** A device of whoever holds `token`: registers itself, asks for the keys it lacks, opens frames. */
export class Device {
  constructor(url, token, pair) { Object.assign(this, { url, token, pair, keys: new Map() }); }

  async call(method, path, body) {
    const headers = { Authorization: `Bearer ${this.token}`, ...(body && { "Content-Type": "application/json" }) };
    const answer = await fetch(`${this.url}/api/v1${path}`, { method, headers, body: body && JSON.stringify(body) });
    if (!answer.ok) throw new Error(`${answer.status} ${(await answer.json()).type}`);
    return answer.json();
  }

  async register(label) {
    const jwk = await subtle.exportKey("jwk", this.pair.publicKey);
    const { id, challenge } = await this.call("POST", "/keys/devices", { label, jwk });
    const nonce = b64(await openJwe(this.pair.privateKey, challenge.jwe, "device-challenge+jwe"));
    await this.call("POST", `/keys/devices/${id}/activate`, { nonce });
    return this.resume(id);
  }

  async resume(id) { // a device that is active already
    return Object.assign(this, { id, tenantId: (await this.call("GET", "/me")).tenant.id });
  }

  async open(frame) {
    if (!frame.data.isEncrypted) return frame.data.content;
    const { keyId } = frame.data.encryptionMetadata;
    if (!this.keys.has(keyId)) {
      const query = new URLSearchParams({ keyId, deviceId: this.id });
      const { jwe } = await this.call("GET", `/conversations/${frame.conversationId}/session-keys?${query}`);
      this.keys.set(keyId, await sessionKey(this.pair.privateKey, jwe, keyId));
    }
    return openFrame(frame, this.tenantId, this.keys.get(keyId));
  }
}
