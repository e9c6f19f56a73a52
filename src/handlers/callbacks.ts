import { type CallbackHandler, createCallbackHandler } from "../lambda/http.ts";

export const handler: CallbackHandler = createCallbackHandler();
