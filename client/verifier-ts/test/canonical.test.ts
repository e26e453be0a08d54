/** The one encoding: every other way to write a message is refused. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { toBinary } from "@bufbuild/protobuf";
import { NotCanonical, decode, tryDecode } from "../src/canonical.js";
import { IntervalSchema } from "../src/gen/liuhen/v1/ledger_pb.js";
import { PublishVersionSchema } from "../src/gen/liuhen/v1/catalogue_pb.js";
import { AbsenceClaimSchema } from "../src/gen/liuhen/v1/proof_pb.js";
import { DepartmentClassSchema, QuotaSchema, TermsSchema } from "../src/gen/liuhen/v1/sharing_pb.js";

const bytes = (...list: number[]): Uint8Array => Uint8Array.from(list);

test("what is canonical is read, and written as it was", () => {
  const good = bytes(8, 0xac, 2);
  const quota = decode(QuotaSchema, good, 10);
  assert.equal(quota.queriesTotal, 300n);
  assert.deepEqual(toBinary(QuotaSchema, quota), good);
  assert.equal(decode(QuotaSchema, bytes(8, ...Array(9).fill(0xff), 1), 20).queriesTotal, 2n ** 64n - 1n);
  assert.deepEqual(decode(DepartmentClassSchema, bytes(10, 3, 1, 0, 2), 10).levels, [1, 0, 2]);
  assert.equal(decode(IntervalSchema, bytes(24, 0), 10).untilHeight, 0n, "an optional default says something");
});

const REFUSED: [string, Parameters<typeof tryDecode>[0], number[]][] = [
  ["a varint that is not minimal", QuotaSchema, [8, 0xac, 0x82, 0]],
  ["a tag that is not minimal", QuotaSchema, [0x88, 0, 1]],
  ["a varint of more than 64 bits", QuotaSchema, [8, ...Array(9).fill(0xff), 2]],
  ["a varint of eleven bytes", QuotaSchema, [8, ...Array(10).fill(0xff), 1]],
  ["a default written out", QuotaSchema, [8, 0xac, 2, 16, 0]],
  ["an unknown field", QuotaSchema, [8, 0xac, 2, 120, 1]],
  ["field number 0", QuotaSchema, [0, 1]],
  ["fields descending", QuotaSchema, [16, 1, 8, 1]],
  ["a field twice", QuotaSchema, [8, 1, 8, 1]],
  ["cut short in a varint", QuotaSchema, [8, 0xac]],
  ["cut short behind a tag", QuotaSchema, [8]],
  ["another wire type", QuotaSchema, [9, 1, 0, 0, 0, 0, 0, 0, 0]],
  ["a length beyond the end", PublishVersionSchema, [10, 5, 97]],
  ["an empty text written out", PublishVersionSchema, [10, 0]],
  ["a text that is not UTF-8", PublishVersionSchema, [10, 2, 0xc3, 0x28]],
  ["numbers that are not packed", DepartmentClassSchema, [8, 1]],
  ["an empty packed list", DepartmentClassSchema, [10, 0]],
  ["a packed list cut within a varint", DepartmentClassSchema, [10, 1, 0x80]],
  ["a number of more than 32 bits", DepartmentClassSchema, [10, 5, 0xff, 0xff, 0xff, 0xff, 0x1f]],
  ["an enum that is no int32", TermsSchema, [0x40, 0xff, 0xff, 0xff, 0xff, 0x0f]],
  ["two of a oneof", AbsenceClaimSchema, [10, 0, 18, 0]],
];

for (const [what, schema, list] of REFUSED) {
  test(`refused: ${what}`, () => {
    assert.throws(() => decode(schema, Uint8Array.from(list), 100), NotCanonical);
    assert.equal(tryDecode(schema, Uint8Array.from(list), 100), undefined);
  });
}

test("refused: more bytes than may be", () => {
  assert.throws(() => decode(QuotaSchema, bytes(8, 0xac, 2), 2), NotCanonical);
});
