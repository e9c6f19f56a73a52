/** `rookery artifact list` and `rookery artifact show`. */
import { createWriteStream } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import type { ArtifactRef } from "../../domain/engine.ts";
import { messageOf } from "../../domain/errors.ts";
import type { Cli } from "../cli.ts";
import type { Configure } from "../configure.ts";
import { CliError, EXIT } from "../exit.ts";
import { writeAll } from "../io.ts";
import { suggestion } from "../next-steps.ts";
import { bytesText } from "../output/item.ts";
import { refOf } from "../refs.ts";

const DIGEST_CHARS = 12;

export const configureArtifact: Configure = (command, cli) => {
  command
    .helpCommand(false)
    .command("list")
    .description("list an item's artifacts: names, types, sizes and digests")
    .argument("<id>", "id, or <engine>/<key>")
    .action((id: string) => listArtifacts(cli(), id));
  command
    .command("show")
    .description("write an artifact to stdout, verified by its digest")
    .argument("<id>", "id, or <engine>/<key>")
    .argument("<name>", "its name; of several the newest")
    .option("-o, --output <file>", "write it to this file instead")
    .action((id: string, name: string, { output }: { output?: string }) => showArtifact(cli(), id, name, output));
};

async function listArtifacts(cli: Cli, id: string): Promise<void> {
  const ref = refOf(id, {});
  const store = await cli.existing();
  const artifacts = await store.artifacts(ref);
  if (cli.print.json) return cli.print.document(artifacts);
  if (artifacts.length === 0) return cli.print.note("it has no artifacts");
  cli.print.table<ArtifactRef>(
    [
      { head: "NAME", cell: ({ name }) => name },
      { head: "TYPE", cell: ({ mediaType }) => mediaType },
      { head: "SIZE", cell: ({ bytes }) => bytesText(bytes), align: "right", cut: "never" },
      { head: "SHA-256", cell: ({ digest }) => `${digest.slice(0, DIGEST_CHARS)}…`, cut: "never" },
    ],
    artifacts,
  );
  const [first] = artifacts;
  if (first !== undefined) cli.print.hint(suggestion(cli, "artifact", "show", id, first.name));
}

type Content = AsyncIterable<Uint8Array>;

async function showArtifact(cli: Cli, id: string, name: string, output: string | undefined): Promise<void> {
  const ref = refOf(id, {});
  const store = await cli.existing();
  const found = await store.artifact(ref, name);
  if (output !== undefined) {
    const path = resolve(cli.io.cwd, output);
    await save(found.content, path);
    return cli.print.json
      ? cli.print.document({ ...found.ref, path })
      : cli.print.note(`${bytesText(found.ref.bytes)} to ${path}`);
  }
  if (cli.print.json) return cli.print.document({ ...found.ref, ...(await embedded(found.ref, found.content)) });
  if (cli.io.stdout.isTTY === true && !isText(found.ref)) {
    throw new CliError(EXIT.usage, `artifact ${JSON.stringify(name)} is ${found.ref.mediaType}, nothing for a terminal`, {
      hint: "write it to a file with --output <file>, or pipe it on",
    });
  }
  for await (const chunk of found.content) await writeAll(cli.io.stdout, chunk);
}

/** Whole or not at all: an altered blob is only known at its end. */
async function save(content: Content, path: string): Promise<void> {
  const partial = `${path}.${process.pid}.partial`;
  try {
    await pipeline(content, createWriteStream(partial));
    await rename(partial, path);
  } catch (thrown) {
    await rm(partial, { force: true });
    const isFile = thrown instanceof Error && "syscall" in thrown;
    throw isFile ? new CliError(EXIT.failed, `cannot write ${path}: ${messageOf(thrown)}`, { cause: thrown }) : thrown;
  }
}
/** Text as it is, everything else in base64. */
async function embedded(ref: ArtifactRef, content: Content): Promise<{ text: string } | { base64: string }> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of content) chunks.push(chunk);
  const bytes = Buffer.concat(chunks);
  return isText(ref) ? { text: bytes.toString("utf8") } : { base64: bytes.toString("base64") };
}
function isText({ mediaType }: ArtifactRef): boolean {
  return /^text\/|^application\/(.+\+)?(json|xml|yaml)\b|charset=/.test(mediaType);
}
