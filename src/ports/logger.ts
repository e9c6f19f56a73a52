export type { LogFields, Logger } from "../domain/logger.ts";
