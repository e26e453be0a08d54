/**
 * Proof files with one byte bent, or cut short: never an exception, and VALID only where the statement is
 * another true one.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type Trust, trustGenesis, verifyAgainst } from "../src/index.js";
import { corpusFolder } from "./support/corpus.js";

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
