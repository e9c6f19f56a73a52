import { defineConfig } from "rookery";
import { createTrip } from "./engine.ts";
import { createOffice } from "./office.ts";

export default defineConfig({ engines: [createTrip(createOffice())] });
