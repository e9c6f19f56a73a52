import { createHttpHandler, type StreamHandler } from "../lambda/http.ts";

export const handler: StreamHandler = createHttpHandler();
