import { createCallbackHandler } from "../lambda/http.ts";

export const handler = createCallbackHandler();
