import { defineConfig } from "rookery";
import { createCustomers } from "./customers.ts";
import { bill, createNightly } from "./engine.ts";

export default defineConfig({ engines: [createNightly(createCustomers(5_000)), bill] });
