/** Says yes or no to what an agent wants to send: `approve.ts <key> [yes|no]`. */
import { join } from "node:path";
import { openEmbedded } from "rookery/embedded";
import { Agent } from "./engine.ts";

const [key = "", word = "yes"] = process.argv.slice(2);
const rookery = openEmbedded({ home: join(import.meta.dirname, ".rookery") });
const answer = await rookery.signal(Agent, { contract: Agent, key }, "approval", { yes: word === "yes" });
console.log(answer.accepted ? `said ${word}` : `too late: ${answer.status}`);
rookery.close();
