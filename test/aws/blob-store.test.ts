import { createHash, randomBytes } from "node:crypto";
import {
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createSystemClock } from "../../src/adapters/node/clock.ts";
import { createSystemRandom } from "../../src/adapters/node/random.ts";
import { createS3BlobStore } from "../../src/adapters/s3/blob-store.ts";
import { s3ClientOptions } from "../../src/adapters/s3/options.ts";
import { copy, uploadParts } from "../../src/adapters/s3/upload.ts";
import { BlobAlteredError, InvalidArgumentError, StoreUnavailableError } from "../../src/domain/errors.ts";
import { describeBlobStoreContract } from "../contract/blob-store.ts";
import { collect, times, uniqueName } from "../contract/fixture.ts";
import { endpoint, s3Client } from "./clients.ts";
import { listenOnLoopback } from "./loopback.ts";

const MEBIBYTE = 1_048_576;
const PART = 5 * MEBIBYTE;
const clock = createSystemClock();
const random = createSystemRandom();
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const newOwner = () => `test/${uniqueName()}`;
const storeOn = (client: S3Client, bucket: string) => createS3BlobStore({ client, bucket: async () => bucket, clock, random });

interface Request {
  readonly name: string;
  readonly input: object;
}
interface Between {
  /** Before a request is built: throws, gives other fields, or lets it pass. */
  readonly before?: (request: Request) => Record<string, unknown> | undefined;
  /** Instead of asking S3; null to ask it. */
  readonly answer?: (request: Request) => object | null;
  /** What S3 answered, or something else. */
  readonly after?: (request: Request, output: object) => object;
  /** On the wire, when its checksum has been taken. */
  readonly body?: (request: Request, body: unknown) => unknown;
}

/** A client of its own with somebody in between; what it sends is kept. */
function tapped({ before, answer, after, body }: Between = {}) {
  const client = s3Client(s3ClientOptions);
  const requests: Request[] = [];
  const requestOf = (commandName: unknown, input: object) => ({ name: String(commandName).replace(/Command$/, ""), input });
  client.middlewareStack.add(
    (next, { commandName }) =>
      async (args) => {
        const request = requestOf(commandName, args.input);
        requests.push(request);
        const fields = before?.(request);
        const answered = answer?.(request) ?? null;
        if (answered !== null) return { output: Object.assign({ $metadata: {} }, answered), response: {} };
        const result = await next({ ...args, input: Object.assign({}, args.input, fields) });
        return { ...result, output: Object.assign(result.output, after?.(request, result.output)) };
      },
    { step: "initialize" },
  );
  client.middlewareStack.add(
    (next, { commandName }) =>
      (args) => {
        const wire = args.request;
        if (body !== undefined && typeof wire === "object" && wire !== null && "body" in wire) {
          wire.body = body(requestOf(commandName, args.input), wire.body);
        }
        return next(args);
      },
    { step: "finalizeRequest", priority: "low" },
  );
  return { client, requests, names: () => requests.map(({ name }) => name) };
}
const refusal = (status: number) => Object.assign(new Error(`refused with ${status}`), { $metadata: { httpStatusCode: status } });

async function* chunks(count: number, bytes = MEBIBYTE): AsyncGenerator<Uint8Array> {
  for (let index = 0; index < count; index++) yield new Uint8Array(bytes).fill(index);
}

describe.skipIf(endpoint === null)("blobs on S3", () => {
  const bucket = `b-${uniqueName()}`;
  const plain = s3Client(s3ClientOptions);
  const store = storeOn(plain, bucket);
  beforeAll(async () => {
    await plain.send(new CreateBucketCommand({ Bucket: bucket }));
  });
  afterAll(() => plain.destroy());
  const keysUnder = async (prefix: string) => {
    const { Contents = [] } = await plain.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix }));
    return Contents.map(({ Key }) => Key);
  };
  const uploadsUnder = async (prefix: string) => {
    const { Uploads = [] } = await plain.send(new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: prefix }));
    return Uploads.map(({ Key }) => Key);
  };
  /** Nothing that was passing is left of an owner. */
  const expectTidy = async (owner: string) => {
    expect(await keysUnder(`_tmp/${owner}/`)).toEqual([]);
    expect(await uploadsUnder(`_tmp/${owner}/`)).toEqual([]);
    expect(await uploadsUnder(`${owner}/`)).toEqual([]);
  };

  describeBlobStoreContract({ name: "on S3", create: () => ({ port: store }) });

  describe.concurrent("puts", () => {
    test("bytes, and a stream no longer than a part, with one request that S3 checks", async () => {
      const { client, requests, names } = tapped();
      const owner = newOwner();
      const bytes = randomBytes(1_000);
      await storeOn(client, bucket).put(owner, bytes);
      await storeOn(client, bucket).put(owner, chunks(5));
      expect(names()).toEqual(["PutObject", "PutObject"]);
      const ChecksumSHA256 = createHash("sha256").update(bytes).digest("base64");
      expect(requests[0]?.input).toMatchObject({ IfNoneMatch: "*", ChecksumSHA256, Key: `${owner}/${sha256(bytes)}` });
      expect(await keysUnder(`${owner}/`)).toHaveLength(2);
    });
    test("a longer stream in parts under a passing name, which is gone afterwards", async () => {
      const { client, requests, names } = tapped();
      const owner = newOwner();
      const { digest, bytes } = await storeOn(client, bucket).put(owner, chunks(11));
      expect(bytes).toBe(11 * MEBIBYTE);
      expect(names()).toEqual([
        ...["CreateMultipartUpload", "UploadPart", "UploadPart", "UploadPart", "CompleteMultipartUpload"],
        ...["CopyObject", "DeleteObject"],
      ]);
      expect(requests[0]?.input).toMatchObject({ Key: expect.stringMatching(`^_tmp/${owner}/[0-9a-f]{24}$`) });
      expect(await keysUnder(`${owner}/`)).toEqual([`${owner}/${digest}`]);
      await expectTidy(owner);
      expect(sha256(await collect(store.get(owner, digest)))).toBe(digest);
    });
    test("a long stream without ever holding more than two parts of it", async () => {
      let [given, sent, most] = [0, 0, 0];
      const { client } = tapped({
        after: ({ name, input }, output) => {
          const body: unknown = Reflect.get(input, "Body");
          if (name === "UploadPart" && body instanceof Uint8Array) sent += body.length;
          return output;
        },
      });
      const counted = async function* () {
        for await (const chunk of chunks(22)) {
          given += chunk.length;
          most = Math.max(most, given - sent);
          yield chunk;
        }
      };
      await storeOn(client, bucket).put(newOwner(), counted());
      expect(sent).toBe(22 * MEBIBYTE);
      expect(most).toBeLessThanOrEqual(2 * PART + MEBIBYTE);
    });
    test("what is there already, successfully, and leaves it as it is", async () => {
      const owner = newOwner();
      const { digest } = await store.put(owner, new Uint8Array(10));
      await plain.send(new PutObjectCommand({ Bucket: bucket, Key: `${owner}/${digest}`, Body: "altered" }));
      expect(await store.put(owner, new Uint8Array(10))).toEqual({ digest, bytes: 10 });
      expect(await store.head(owner, digest)).toEqual({ digest, bytes: 7 });
    });
    test("again, while another writes the same", async () => {
      let conflicts = 3;
      const { client, names } = tapped({
        before: () => {
          if (conflicts-- > 0) throw refusal(409);
          return undefined;
        },
      });
      const owner = newOwner();
      await storeOn(client, bucket).put(owner, new Uint8Array(10));
      expect(names()).toHaveLength(4);
      conflicts = 1_000;
      await expect(storeOn(client, bucket).put(owner, new Uint8Array(11))).rejects.toThrow(StoreUnavailableError);
      expect(await keysUnder(`${owner}/`)).toHaveLength(1);
    });
    test("nothing that was altered on its way", async () => {
      const { client } = tapped({ body: () => new Uint8Array(10).fill(1) });
      const owner = newOwner();
      const putting = storeOn(client, bucket).put(owner, new Uint8Array(10));
      await expect(putting).rejects.toThrow(StoreUnavailableError);
      await expect(putting).rejects.toThrow(new RegExp(`^PutObject of ${owner}/[0-9a-f]{64} in bucket ${bucket}: `));
      expect(await keysUnder(`${owner}/`)).toEqual([]);
    });
    test("nothing of a stream that was altered on its way", async () => {
      const owner = newOwner();
      const wire = tapped({ body: ({ name }, body) => (name === "UploadPart" ? new Uint8Array(PART) : body) });
      await expect(storeOn(wire.client, bucket).put(owner, chunks(10))).rejects.toThrow(/^UploadPart of _tmp/);
      const got = sha256(new Uint8Array(1));
      const CopyObjectResult = { ChecksumSHA256: Buffer.from(got, "hex").toString("base64") };
      const copied = tapped({ after: ({ name }, output) => (name === "CopyObject" ? { CopyObjectResult } : output) });
      const altered = storeOn(copied.client, bucket).put(owner, chunks(6));
      await expect(altered).rejects.toThrow(BlobAlteredError);
      await expect(altered).rejects.toThrow(got);
      expect(await keysUnder(`${owner}/`)).toEqual([]);
      await expectTidy(owner);
    });
    test("nothing of a stream that breaks off", async () => {
      const owner = newOwner();
      const breaking = async function* () {
        yield* chunks(11);
        throw new TypeError("the source broke");
      };
      await expect(store.put(owner, breaking())).rejects.toThrow(new TypeError("the source broke"));
      expect(await keysUnder(`${owner}/`)).toEqual([]);
      await expectTidy(owner);
    });
    test("nothing of a stream that is longer than S3 can take", async () => {
      const { client, names } = tapped({ answer: ({ name }) => (name === "UploadPart" ? { ETag: "x" } : null) });
      const owner = newOwner();
      const place = { bucket, key: `_tmp/${owner}/endless` };
      const uploading = uploadParts({ client, clock, random }, place, chunks(10_001, 1));
      await expect(uploading).rejects.toThrow("stream of a blob: expected at most 52428800000 bytes");
      expect(names().filter((name) => name === "UploadPart")).toHaveLength(10_000);
      await expectTidy(owner);
    });
    test.each(["CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload", "CopyObject"])(
      "nothing when %s fails, and lets go of the source",
      async (failing) => {
        const { client } = tapped({
          before: ({ name }) => {
            if (name === failing) throw refusal(500);
            return undefined;
          },
        });
        const owner = newOwner();
        let closed = false;
        const source = async function* () {
          try {
            yield* chunks(11);
          } finally {
            closed = true;
          }
        };
        await expect(storeOn(client, bucket).put(owner, source())).rejects.toThrow(
          new RegExp(`^${failing} of .*refused with 500`),
        );
        expect(closed).toBe(true);
        expect(await keysUnder(`${owner}/`)).toEqual([]);
        await expectTidy(owner);
      },
    );
    test("a long stream where copies know no condition, or where the answer to its completion is lost", async () => {
      const { client, names } = tapped({
        before: ({ name, input }) => {
          if (name === "CopyObject" && Reflect.has(input, "IfNoneMatch")) throw refusal(501);
          return undefined;
        },
        after: ({ name }, output) => {
          if (name !== "CompleteMultipartUpload") return output;
          throw Object.assign(refusal(404), { name: "NoSuchUpload" });
        },
      });
      const owner = newOwner();
      const { digest } = await storeOn(client, bucket).put(owner, chunks(6));
      expect(names().filter((name) => name === "CopyObject")).toHaveLength(2);
      expect(sha256(await collect(store.get(owner, digest)))).toBe(digest);
      await expectTidy(owner);
    });
    test("what is too long to be copied at once, in parts", async () => {
      const owner = newOwner();
      const bytes = randomBytes(12 * MEBIBYTE);
      const from = `_tmp/${owner}/source`;
      await plain.send(new PutObjectCommand({ Bucket: bucket, Key: from, Body: bytes }));
      const digest = sha256(bytes);
      const copying = { bucket, from, to: `${owner}/${digest}`, owner, digest, bytes: bytes.length };
      const { client, names } = tapped();
      const limits = { whole: MEBIBYTE, part: 5 * MEBIBYTE };
      await copy({ client, clock, random }, copying, limits);
      expect(names().filter((name) => name === "UploadPartCopy")).toHaveLength(3);
      expect((await collect(store.get(owner, digest))).equals(bytes)).toBe(true);
      const range = { from: 6_000_000, to: 6_000_100 };
      expect((await collect(store.get(owner, digest, range))).equals(bytes.subarray(range.from, range.to))).toBe(true);
      await copy({ client, clock, random }, copying, limits);
      expect(await uploadsUnder(`${owner}/`)).toEqual([]);
    });
  });

  describe.concurrent("gives", () => {
    test("a range without the rest", async () => {
      const { client, requests, names } = tapped();
      const owner = newOwner();
      const bytes = randomBytes(MEBIBYTE);
      const { digest } = await store.put(owner, bytes);
      const got = await collect(storeOn(client, bucket).get(owner, digest, { from: 10, to: 20 }));
      expect(got.equals(bytes.subarray(10, 20))).toBe(true);
      expect(names()).toEqual(["HeadObject", "GetObject"]);
      expect(requests[1]?.input).toMatchObject({ Range: "bytes=10-19", IfMatch: expect.any(String) });
    });
    test.each([
      ["with a checksum", {}],
      ["with a SHA-256 of its own", { ChecksumAlgorithm: "SHA256" }],
    ] as const)("no blob as itself that a person has altered, %s", async (_how, checksum) => {
      const owner = newOwner();
      const bytes = randomBytes(300_000);
      const { digest } = await store.put(owner, bytes);
      const Body = Buffer.concat([bytes.subarray(0, -1), Buffer.of((bytes.at(-1) ?? 0) ^ 1)]);
      await plain.send(new PutObjectCommand({ Bucket: bucket, Key: `${owner}/${digest}`, Body, ...checksum }));
      let given = 0;
      const reading = async () => {
        for await (const chunk of store.get(owner, digest)) given += chunk.length;
      };
      await expect(reading()).rejects.toThrow(new BlobAlteredError(owner, digest, sha256(Body)));
      expect(given).toBeLessThan(bytes.length);
      const ofRange = collect(store.get(owner, digest, { from: 5, to: 6 }));
      await expect(ofRange).rejects.toThrow(new BlobAlteredError(owner, digest, sha256(Body)));
    });
    test("a reason for what it cannot give", async () => {
      const server = await listenOnLoopback((_request, response) => {
        response.writeHead(403, { "content-type": "application/xml" });
        response.end("<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>");
      });
      const how = { ...s3ClientOptions, maxAttempts: 1 };
      const refused = s3Client({ ...how, endpoint: server.endpoint });
      const nowhere = s3Client({ ...how, endpoint: "http://127.0.0.1:1" });
      const digest = sha256(new Uint8Array(0));
      const get = (from: S3Client, of = bucket) => collect(storeOn(from, of).get("test/a", digest));
      const hidden = "it is missing, or may not be read (without s3:ListBucket S3 does not say which)";
      await expect(get(refused)).rejects.toThrow(`GetObject of test/a/${digest} in bucket ${bucket}: ${hidden}: Access Denied`);
      await expect(storeOn(refused, bucket).head("test/a", digest)).rejects.toThrow(hidden);
      await expect(storeOn(refused, bucket).put("test/a", new Uint8Array(0))).rejects.toThrow(": not permitted: Access Denied");
      await expect(storeOn(refused, bucket).removeAll("test/a")).rejects.toThrow(": not permitted: Access Denied");
      await expect(get(nowhere)).rejects.toThrow(StoreUnavailableError);
      await expect(get(nowhere)).rejects.toThrow("ECONNREFUSED");
      await expect(get(plain, "no-such-bucket")).rejects.toThrow("in bucket no-such-bucket: there is no such bucket");
      await expect(get(plain, "no-such-bucket")).rejects.toThrow(StoreUnavailableError);
      refused.destroy();
      await server.close();
    });
    test("an error when the stream breaks off", async () => {
      const server = await listenOnLoopback((_request, response) => {
        response.writeHead(200, { "content-length": "100" });
        response.write("half");
        setTimeout(() => response.destroy(), 50);
      });
      const client = s3Client({ ...s3ClientOptions, endpoint: server.endpoint });
      const reading = collect(storeOn(client, bucket).get("test/a", sha256(new Uint8Array(0))));
      await expect(reading).rejects.toThrow(StoreUnavailableError);
      client.destroy();
      await server.close();
    });
  });

  describe.concurrent("removes", () => {
    test("all of an owner, what was passing too, and nothing of one whose name begins alike", async () => {
      const owner = newOwner();
      const others = [`${owner}0`, owner.slice(0, -1)];
      const passing = { Bucket: bucket, Key: `_tmp/${owner}/left` };
      await plain.send(new PutObjectCommand({ ...passing, Body: "left" }));
      await plain.send(new CreateMultipartUploadCommand(passing));
      await plain.send(new PutObjectCommand({ ...passing, Key: `_tmp/${others[0]}/left`, Body: "left" }));
      for (const each of [owner, ...others]) await store.put(each, new Uint8Array(10));
      await store.removeAll(owner);
      expect(await keysUnder(`${owner}/`)).toEqual([]);
      await expectTidy(owner);
      for (const other of others) expect(await keysUnder(`${other}/`)).toHaveLength(1);
      expect(await keysUnder(`_tmp/${others[0]}/`)).toHaveLength(1);
    });
    test("more than fit into one request", async () => {
      const owner = newOwner();
      await Promise.all(times(5, (index) => store.put(owner, new Uint8Array(index))));
      const passing = times(3, (index) => ({ Bucket: bucket, Key: `_tmp/${owner}/${index}` }));
      await Promise.all(passing.map((each) => plain.send(new CreateMultipartUploadCommand(each))));
      const pages: Record<string, Record<string, unknown>> = {
        ListObjectsV2: { MaxKeys: 2 },
        ListMultipartUploads: { MaxUploads: 2 },
      };
      const { client, names } = tapped({ before: ({ name }) => pages[name] });
      await storeOn(client, bucket).removeAll(owner);
      expect(names().filter((name) => name === "DeleteObjects")).toHaveLength(3);
      expect(names().filter((name) => name === "AbortMultipartUpload")).toHaveLength(3);
      expect(await keysUnder(`${owner}/`)).toEqual([]);
      await expectTidy(owner);
    });
    test("what it may, and says what it may not", async () => {
      const Errors = [{ Key: "k", Code: "AccessDenied", Message: "not yours" }];
      const { client } = tapped({ after: ({ name }, output) => (name === "DeleteObjects" ? { Errors } : output) });
      const owner = newOwner();
      await store.put(owner, new Uint8Array(10));
      await expect(storeOn(client, bucket).removeAll(owner)).rejects.toThrow("DeleteObjects of k in bucket");
      await expect(storeOn(client, bucket).removeAll(newOwner())).resolves.toBeUndefined();
    });
    test("without the right to see uploads, all but those", async () => {
      const { client } = tapped({
        before: ({ name }) => {
          if (name === "ListMultipartUploads") throw refusal(403);
          return undefined;
        },
      });
      const owner = newOwner();
      await store.put(owner, new Uint8Array(10));
      await storeOn(client, bucket).removeAll(owner);
      expect(await keysUnder(`${owner}/`)).toEqual([]);
    });
  });

  test.each(["", "a", "a/b/c", "../b", "_tmp/b", "a/"])("refuses the owner %j", async (owner) => {
    await expect(store.put(owner, new Uint8Array(1))).rejects.toThrow(InvalidArgumentError);
    await expect(store.put(owner, chunks(1))).rejects.toThrow(InvalidArgumentError);
    await expect(store.removeAll(owner)).rejects.toThrow(InvalidArgumentError);
    await expect(store.head(owner, sha256(new Uint8Array(1)))).rejects.toThrow(InvalidArgumentError);
    await expect(collect(store.get("a/b", "../c"))).rejects.toThrow(InvalidArgumentError);
  });
});
