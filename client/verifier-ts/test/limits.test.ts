/** The limits of docs/spec/proofs.md, at each and one above. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type MessageInitShape, create, toBinary } from "@bufbuild/protobuf";
import { concat, utf8 } from "../src/bytes.js";
import { AnchorSchema, TraceSchema, ValidatorChangeSchema } from "../src/gen/liuhen/v1/proof_pb.js";
import { type Verdict, verify } from "../src/index.js";
import { MAX_COUNT, checkCount } from "../src/size.js";
import { Invalid } from "../src/verdict.js";
import { TestLedger } from "./support/ledger.js";

const MOST = 20_000;
const MOST_CHANGES = 10_000;
type Parts = MessageInitShape<typeof TraceSchema>;
const encode = (parts: Parts): Uint8Array => toBinary(TraceSchema, create(TraceSchema, parts));
const codeOf = (found: Verdict): string => (found.verdict === "INVALID" ? found.code : found.verdict);
const times = <T>(count: number, it: T): T[] => Array.from({ length: count }, () => it);

function count(bytes: Uint8Array): number | string {
  try {
    return checkCount(TraceSchema, bytes);
  } catch (error) {
    assert.ok(error instanceof Invalid);
    return error.code;
  }
}

test("what messages count", () => {
  const [message, large, field] = [512, 2048, 48];
  assert.equal(count(new Uint8Array(0)), large);
  assert.equal(count(encode({ magic: "abc" })), large + field + 3);
  assert.equal(count(encode({ objects: times(7, {}) })), large + 7 * message);
  const deep = encode({ objects: [{ kind: 300, path: { siblings: times(100, new Uint8Array(3)) } }] });
  assert.equal(count(deep), large + 2 * message + 100 * (field + 3));
  const claims: [Parts["claim"], number][] = [
    [{ case: "inclusion", value: {} }, message],
    [{ case: "completeness", value: {} }, large],
    [{ case: "consistency", value: {} }, message],
    [{ case: "state", value: {} }, message],
    [{ case: "absence", value: {} }, large],
    [{ case: "absence", value: { of: { case: "object", value: {} } } }, large + message],
    [{ case: "absence", value: { of: { case: "number", value: {} } } }, large + message],
    [{ case: "absence", value: { of: { case: "transaction", value: {} } } }, 2 * large],
    [{ case: "fork", value: {} }, message],
    [{ case: "omission", value: {} }, large],
    [{ case: "authorised", value: {} }, message],
    [{ case: "department", value: { department: "d", keys: [{}] } }, 2 * large + field + 1],
    [{ case: "subject", value: { subjects: [{}] } }, message + large],
  ] as [Parts["claim"], number][];
  for (const [claim, counts] of claims) assert.equal(count(encode({ claim } as Parts)), large + counts);
  assert.equal(count(encode({ witnessed: { note: "abc" } })), large + message + field + 3);
});

test("what is no field counts nothing, and makes the file malformed", () => {
  const cut = [[0x2a], [0x2a, 2, 0], [9, 1], [13, 1], [8], [8, 0x80], [2, 0], times(11, 0xff)];
  const groupsAndOthers = [[0x2b], [0x2c], [0x2e], [0x2f]];
  for (const bytes of [...cut, ...groupsAndOthers]) {
    assert.equal(count(Uint8Array.from(bytes)), "file.malformed", `${bytes}`);
  }
  const unknown = [120, 1, 0xfa, 1, 2, 8, 8, 0xf9, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0xfd, 1, 0, 0, 0, 0];
  assert.equal(count(Uint8Array.from(unknown)), 2048 + 48 + 2, "fields of no name, by their length");
});

test("messages count at most 25,165,823", () => {
  // Empty objects of two bytes each, and a magic that fills up what is left.
  const objects = Math.floor((MAX_COUNT - 2048 - 48) / 512) - 1;
  const rest = MAX_COUNT - 2048 - 48 - objects * 512;
  const bytes = (more: number): Uint8Array => encode({ magic: "m".repeat(rest + more), objects: times(objects, {}) });
  assert.equal(count(bytes(0)), 25_165_823);
  assert.equal(count(bytes(1)), "file.limits");
  const { genesis } = new TestLedger();
  assert.equal(codeOf(verify(genesis, bytes(0))), "file.malformed", "read, and of another magic");
  assert.equal(codeOf(verify(genesis, bytes(1))), "file.limits");
});

test("a file has at most 8 MiB", () => {
  const { genesis } = new TestLedger();
  assert.equal(codeOf(verify(genesis, new Uint8Array(8_388_608))), "file.malformed");
  assert.equal(codeOf(verify(genesis, new Uint8Array(8_388_609))), "file.limits");
  const later = concat(utf8("\n\x0eLIUHEN-TRACE-2"), new Uint8Array(8_388_608));
  assert.equal(codeOf(verify(genesis, later)), "UNDECIDABLE", "of a later format first");
});

test("transactions: 20,000", () => {
  const ledger = new TestLedger();
  const claim = { case: "inclusion", value: ledger.inclusion() } as const;
  const told = (given: number, parts: Parts = {}): string =>
    codeOf(verify(ledger.genesis, ledger.trace(claim, { transactions: times(given, {}), ...parts })));
  assert.equal(told(MOST), "transaction.malformed");
  assert.equal(told(MOST + 1), "file.limits");
  assert.equal(told(MOST + 1, { witnessed: {} }), "witness.malformed", "the witness comes first");
});

test("changes of validators: 10,000 to each anchor", () => {
  const ledger = new TestLedger();
  const told = (changes: number, parts: object = {}): string => {
    const all = times(changes, create(ValidatorChangeSchema));
    const anchor = create(AnchorSchema, { ...ledger.anchor(), changes: all, ...parts });
    return codeOf(verify(ledger.genesis, ledger.trace({ case: "inclusion", value: ledger.inclusion() }, { anchor })));
  };
  assert.equal(told(MOST_CHANGES), "header.malformed");
  assert.equal(told(MOST_CHANGES + 1), "file.limits");
  assert.equal(told(MOST_CHANGES + 1, { header: new Uint8Array(288) }), "file.limits", "before any header");
  const fork = (changes: number): string => {
    const other = create(AnchorSchema, { ...ledger.anchor(), changes: times(changes, create(ValidatorChangeSchema)) });
    const parts = { transactions: [], objects: [] };
    return codeOf(verify(ledger.genesis, ledger.trace({ case: "fork", value: { other } }, parts)));
  };
  assert.equal(fork(MOST_CHANGES), "header.malformed");
  assert.equal(fork(MOST_CHANGES + 1), "file.limits");
});

test("events: 20,000 in all parts of the claim", () => {
  const ledger = new TestLedger();
  const told = (claim: unknown): string => codeOf(verify(ledger.genesis, ledger.trace(claim as Parts["claim"])));
  const trail = (events: number): object => ({ events: times(events, {}) });
  const most: [string, (events: number) => object][] = [
    ["completeness", (events) => trail(events)],
    ["absence", (events) => ({ of: { case: "transaction", value: { trail: trail(events) } } })],
    ["department", (events) => ({ trail: trail(events - 4), keys: [trail(1), trail(3)] })],
    ["subject", (events) => ({ subjects: [{ listed: trail(1), unlisted: trail(2) }, { listed: trail(events - 3) }] })],
    ["omission", (events) => ({ included: ledger.inclusion(), trail: trail(events - 1) })],
  ];
  for (const [name, value] of most) {
    assert.notEqual(told({ case: name, value: value(MOST) }), "file.limits", name);
    assert.equal(told({ case: name, value: value(MOST + 1) }), "file.limits", name);
  }
});
