/** What must outlive everything else: records in one table, blobs in one bucket. */

import { AttributeType, BillingMode, ProjectionType, Table, type WarmThroughput } from "aws-cdk-lib/aws-dynamodb";
import { BlockPublicAccess, Bucket, BucketEncryption } from "aws-cdk-lib/aws-s3";
import { Duration, RemovalPolicy, Validations } from "aws-cdk-lib/core";
import type { Construct } from "constructs";
import { TABLE } from "../adapters/dynamodb/table.ts";
import { UPLOAD_PREFIX } from "../wire/environment.ts";

/** As far back as DynamoDB restores: a restored table finds the blobs of its time. */
const OLD_VERSIONS = Duration.days(35);
/** S3 knows nothing shorter. */
const UNFINISHED = Duration.days(1);

/** `Table`, not `TableV2`: there is one writing region, and a global table's last writer wins (G1). */
export function createTable(
  scope: Construct,
  id: string,
  options: { readonly removalPolicy: RemovalPolicy; readonly warmThroughput?: WarmThroughput },
): Table {
  const { removalPolicy, warmThroughput } = options;
  const warm = warmThroughput === undefined ? {} : { warmThroughput };
  const table = new Table(scope, id, {
    partitionKey: { name: TABLE.partition, type: AttributeType.STRING },
    sortKey: { name: TABLE.sort, type: AttributeType.STRING },
    timeToLiveAttribute: TABLE.expires,
    billingMode: BillingMode.PAY_PER_REQUEST,
    pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
    removalPolicy,
    deletionProtection: removalPolicy !== RemovalPolicy.DESTROY,
    ...warm,
  });
  const index = { projectionType: ProjectionType.KEYS_ONLY, ...warm };
  table.addGlobalSecondaryIndex({
    ...index,
    indexName: TABLE.due.index,
    partitionKey: { name: TABLE.due.shard, type: AttributeType.NUMBER },
    sortKey: { name: TABLE.due.at, type: AttributeType.NUMBER },
  });
  table.addGlobalSecondaryIndex({
    ...index,
    indexName: TABLE.list.index,
    partitionKey: { name: TABLE.list.group, type: AttributeType.STRING },
    sortKey: { name: TABLE.list.at, type: AttributeType.STRING },
  });
  return table;
}

export function createBucket(
  scope: Construct,
  id: string,
  options: { readonly removalPolicy: RemovalPolicy; readonly autoDeleteObjects: boolean },
): Bucket {
  const bucket = new Bucket(scope, id, {
    ...options,
    versioned: true,
    encryption: BucketEncryption.S3_MANAGED,
    enforceSSL: true,
    blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
    lifecycleRules: [
      {
        id: "old-versions-and-unfinished-uploads",
        noncurrentVersionExpiration: OLD_VERSIONS,
        expiredObjectDeleteMarker: true,
        abortIncompleteMultipartUploadAfter: UNFINISHED,
      },
      // What a worker that died left behind: all others take their uploads away themselves.
      {
        id: "streams-that-were-never-finished",
        prefix: UPLOAD_PREFIX,
        expiration: UNFINISHED,
        noncurrentVersionExpiration: UNFINISHED,
      },
    ],
  });
  Validations.of(bucket).acknowledge({
    id: "AwsSolutions-S1",
    reason:
      "Only roles that were granted access reach the bucket, and CloudTrail's data events can name them; access logs " +
      "would need a second bucket that grows for ever.",
  });
  return bucket;
}
