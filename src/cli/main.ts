#!/usr/bin/env node
/**
 * The process of the command line. Nothing is imported before Node's version is known to do: what follows needs
 * `node:sqlite` and, for the user's own engines, type stripping.
 */
const NEEDED = 24;

const major = Number(process.versions.node.split(".")[0]);
if (major < NEEDED) {
  process.stderr.write(
    `rookery: this needs Node ${NEEDED} or later, and is run by Node ${process.versions.node}\n` +
      "  hint: install it from https://nodejs.org, or for this project alone: npm install --save-dev node@24\n",
  );
  process.exit(1);
}

// What was compiled once is not compiled again: a worker that was killed is back at work in half the time.
const { enableCompileCache } = await import("node:module");
enableCompileCache();

const { runProcess } = await import("./process.ts");
await runProcess();

export {};
