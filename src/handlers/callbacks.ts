import { createCallbackHandler, type Handler } from "../lambda/http.ts";

export const handler: Handler = createCallbackHandler();
