/**
 * Proof files with one byte bent, or cut short: never an exception, and VALID only where the statement is
 * another true one.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fromBinary } from "@bufbuild/protobuf";
import { TraceSchema } from "../src/gen/liuhen/v1/proof_pb.js";
import { type Trust, type Verdict, type Witness, knowWitness, trustGenesis, verifyAgainst } from "../src/index.js";
import { corpusFolder, witnessKey } from "./support/corpus.js";

/** Files of every claim that the corpus has, each with every how manieth byte is bent. */
const FILES: readonly [string, number][] = [
  ["block-good", 1],
  ["told-good", 1],
  ["key-good", 1],
  ["times-good", 1],
  ["stretch-good", 1],
  ["story-good", 1],
  ["nothing-good", 1],
  ["chain-good", 1],
  ["trail-good", 1],
  ["state-good", 1],
  ["authorised-good", 1],
  ["department-good", 5],
  ["subject-good", 1],
  ["subject-of-all", 2],
  ["evidence-good", 1],
  ["no-object", 1],
  ["no-number", 1],
  ["no-transaction", 2],
];

/** What is said to be absent may be bent into the name of something else that is absent. */
const NAMES_WHAT_IS_ABSENT: ReadonlySet<string> = new Set(["no-number", "no-transaction"]);
/** The last bytes of those files: the number, or the transaction's id. */
const NAME_BYTES = 32;
/** Every how manieth length files are cut to. */
const CUTS = 13;

function trust(folder: string): Trust {
  const found = trustGenesis(readFileSync(join(folder, "genesis.pb")));
  assert.notEqual(typeof found, "string");
  return found as Trust;
}

for (const [name, step] of FILES) {
  test(`${name}, bent and cut`, () => {
    const folder = corpusFolder();
    const genesis = trust(folder);
    const good = Uint8Array.from(readFileSync(join(folder, `${name}.trace`)));
    assert.equal(verifyAgainst(genesis, good).verdict, "VALID");
    for (let at = 0; at < good.length; at += step) {
      const bent = good.slice();
      bent[at] = (bent[at] ?? 0) ^ (1 << (at % 8));
      const found = verifyAgainst(genesis, bent);
      const isName = NAMES_WHAT_IS_ABSENT.has(name) && at >= good.length - NAME_BYTES;
      assert.ok(found.verdict !== "VALID" || isName, `byte ${at}: ${JSON.stringify(found, texts)}`);
      assert.ok(
        !("missing" in found && found.missing.includes("fault")),
        `byte ${at}: ${JSON.stringify(found, texts)}`,
      );
    }
    for (let length = 0; length < good.length; length += CUTS) {
      assert.equal(verifyAgainst(genesis, good.subarray(0, length)).verdict, "INVALID", `cut to ${length}`);
    }
  });
}

/** Where bytes are in others. */
function placeOf(part: string, whole: Uint8Array): [number, number] {
  const at = Buffer.from(whole).indexOf(part);
  assert.ok(at >= 0);
  return [at, at + Buffer.byteLength(part)];
}

/** The bytes of a file that a witness does not speak of: lines of others, which nobody here knows. */
function strangersLines(good: Uint8Array, witness: Witness): [number, number][] {
  const { note } = fromBinary(TraceSchema, good).witnessed!;
  const lines = note.slice(note.lastIndexOf("\n\n") + 2).split(/(?<=\n)/);
  return lines.filter((it) => !it.startsWith(`\u2014 ${witness.name} `)).map((it) => placeOf(it, good));
}

test("witnessed-good, bent and cut: a witness is told only of what it signed", () => {
  const folder = corpusFolder();
  const genesis = trust(folder);
  const witness = knowWitness(witnessKey(folder)) as Witness;
  const good = Uint8Array.from(readFileSync(join(folder, "witnessed-good.trace")));
  const { note } = fromBinary(TraceSchema, good).witnessed!;
  const [begin, end] = placeOf(note, good);
  const [, textEnd] = placeOf(note.slice(0, note.lastIndexOf("\n\n")), good);
  const strangers = strangersLines(good, witness);
  assert.equal(strangers.length, 1);
  const own = placeOf(`\u2014 ${witness.name} `, good)[0];
  const found = (bytes: Uint8Array): Verdict => verifyAgainst(genesis, bytes, [witness]);
  const seenBy = (it: Verdict): number => (it.verdict === "VALID" ? it.statement.witnesses.length : 0);
  assert.equal(seenBy(found(good)), 1);
  for (let at = 0; at < good.length; at++) {
    // In the note every bit, elsewhere one.
    const bits = at >= begin && at < end ? [0, 1, 2, 3, 4, 5, 6, 7] : [at % 8];
    for (const bit of bits) {
      const bent = good.slice();
      bent[at] = (bent[at] ?? 0) ^ (1 << bit);
      const it = found(bent);
      const told = `byte ${at}, bit ${bit}: ${JSON.stringify(it, texts)}`;
      assert.ok(!("missing" in it && it.missing.includes("fault")), told);
      const isOfStrangers = strangers.some(([from, until]) => at >= from && at < until);
      assert.ok(seenBy(it) === 0 || isOfStrangers, told);
      // A line that is another's now, by name or hash, says nothing: the file is not witnessed.
      const isOwnLine = at >= own && at < end;
      assert.ok(it.verdict !== "VALID" || isOfStrangers || isOwnLine, told);
      assert.ok(it.verdict !== "VALID" || at > textEnd, told);
    }
  }
  for (let length = 0; length < good.length; length += CUTS) {
    assert.equal(found(good.subarray(0, length)).verdict, "INVALID", `cut to ${length}`);
  }
});

function texts(_: string, value: unknown): unknown {
  return typeof value === "bigint" ? value.toString() : value;
}

test("a bent founding document is no beginning", () => {
  const folder = corpusFolder();
  const genesis = Uint8Array.from(readFileSync(join(folder, "genesis.pb")));
  const good = readFileSync(join(folder, "chain-good.trace"));
  for (let at = 0; at < genesis.length; at += 7) {
    const bent = genesis.slice();
    bent[at] = (bent[at] ?? 0) ^ (1 << (at % 8));
    const found = trustGenesis(bent);
    if (typeof found !== "string") assert.notEqual(verifyAgainst(found, good).verdict, "VALID", `byte ${at}`);
  }
});
