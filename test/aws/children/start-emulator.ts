/** Starts an emulator, tells where it is, and stays. */
import { startEmulator } from "../../../localstack/emulator.ts";
import { findPython, installEmulator } from "../../../localstack/install.ts";

const python = await installEmulator((await findPython()) ?? "python3");
const { endpoint, scratch } = await startEmulator(python);
process.stdout.write(`${JSON.stringify({ endpoint, scratch })}\n`);
setInterval(() => undefined, 60_000);
