import { agentContract } from "rookery/ai";

/** Takes `{ prompt }`, gives `{ text, finishReason, turns }`; hears the signals `message` and `approval`. */
export const Support = agentContract("support");
