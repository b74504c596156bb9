// What test_reader.py runs in Node: one question a line on stdin, one answer a line on stdout.
import { createInterface } from "node:readline";
import { Device, makePair } from "../../clients/js/waxwing.mjs";

let device;
const answers = {
  register: async ({ url, token, label }) => {
    device = await new Device(url, token, await makePair()).register(label);
    return { id: device.id };
  },
  open: async ({ frame }) => ({ text: await device.open(frame) }),
  forget: async () => device.keys.clear() ?? {},
  exportPrivate: async () => crypto.subtle.exportKey("jwk", device.pair.privateKey),
};

for await (const line of createInterface({ input: process.stdin })) {
  const { ask, ...rest } = JSON.parse(line);
  const answer = await answers[ask](rest).catch((error) => ({ error: `${error.name}: ${error.message}` }));
  console.log(JSON.stringify(answer));
}
