/**
 * For agents of the AI SDK (`ai` 7): model calls that are remembered, tools that are effects, and an agent as an engine.
 * Three ways in, from the least to the most: `durableModel` and `durableTools` in a step of one's own around `generateText`,
 * `streamText` or a ToolLoopAgent; `storeMessages` and `readMessages` for a log; `durableAgent` for the whole engine.
 */
export { type AgentState, type DurableAgentSettings, durableAgent } from "./ai/agent.ts";
export { classifyModelError } from "./ai/classify.ts";
export { type AgentContract, type AgentPayload, type AgentResult, type AgentSignals, agentContract } from "./ai/contract.ts";
export {
  type PendingApproval,
  pendingApprovals,
  readMessages,
  type StoredMessage,
  storedMessage,
  storeMessages,
} from "./ai/messages.ts";
export { type DurableModelOptions, durableModel } from "./ai/model.ts";
export { type DurableToolsOptions, durableTools, fenceOf, type IfInDoubt, type ToolFence } from "./ai/tools.ts";
