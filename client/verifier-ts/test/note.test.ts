/** Signed notes: every other way to write one is refused; a line is a witness's by name and hash, and holds or not. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ed25519 } from "@noble/curves/ed25519.js";
import { concat, hex, u64, u8, utf8 } from "../src/bytes.js";
import { type Witness, cosigned, keyHashOf, parseNote, parseWitness, timeOfCosignature } from "../src/note.js";
import { verify } from "../src/index.js";
import { TestLedger, seed } from "./support/ledger.js";

const NAME = "gz.audit/witness";
const SECRET = seed(20);
const KEY = ed25519.getPublicKey(SECRET);

const base64 = (...parts: Uint8Array[]): string => Buffer.from(concat(...parts)).toString("base64");

function vkeyOf(name = NAME, type = 4, key = KEY): string {
  return `${name}+${hex(keyHashOf(name, key))}+${base64(u8(type), key)}`;
}

/** A cosignature's line. */
function lineOf(text: string, time = 1_790_000_000n, name = NAME, secret = SECRET): string {
  const key = ed25519.getPublicKey(secret);
  const signature = ed25519.sign(cosigned(text, time), secret);
  return `\u2014 ${name} ${base64(keyHashOf(name, key), u64(time), signature)}\n`;
}

const TEXT = "liuhen/ab\n5\nAAAA\n";

test("a verifier key is read", () => {
  const witness = parseWitness(vkeyOf()) as Witness;
  assert.equal(witness.name, NAME);
  assert.deepEqual(witness.publicKey, KEY);
  // SHA-256 of `gz.audit/witness`, a newline, 4 and the key; of the published corpus.
  assert.ok(parseWitness("gz.audit/witness+837f5c9a+BGKmEbRy2JsOX8k8BpufcAtMVS1VvA6HtWAI7xe2sr6+"));
});

test("texts that are no verifier keys of witnesses", () => {
  const good = vkeyOf();
  const bent = [
    "",
    "+",
    "++",
    good.replace(NAME, ""),
    good.replace(NAME, "gz audit"),
    good.replace("+", " "),
    good.replace("gz", "gx"),
    good.toUpperCase(),
    `${good}\n`,
    `${good}=`,
    good.slice(0, -4),
    vkeyOf(NAME, 1),
    vkeyOf(NAME, 4, new Uint8Array(32)),
    vkeyOf(NAME, 4, KEY.slice(1)),
  ];
  for (const it of bent) assert.equal(parseWitness(it), undefined, it);
});

test("a note's text and lines", () => {
  const note = parseNote(`${TEXT}\n${lineOf(TEXT)}${lineOf(TEXT, 7n, "other")}`);
  assert.equal(note?.text, TEXT);
  assert.deepEqual(
    note?.lines.map((it) => it.name),
    [NAME, "other"],
  );
  const witness = parseWitness(vkeyOf()) as Witness;
  const signature = note!.lines[0]!.signature;
  assert.equal(timeOfCosignature(TEXT, signature, witness), 1_790_000_000n);
  assert.equal(timeOfCosignature(`${TEXT}x\n`, signature, witness), undefined);
  assert.equal(timeOfCosignature(TEXT, signature.slice(1), witness), undefined);
  assert.equal(timeOfCosignature(TEXT, signature.slice(0, -1), witness), undefined);
  assert.equal(timeOfCosignature(TEXT, concat(signature, u8(0)), witness), undefined);
});

test("the last empty line ends the text", () => {
  const text = `${TEXT}\nmore\n\n`;
  assert.equal(parseNote(`${text}\n${lineOf(text)}`)?.text, text);
});

test("texts that are no notes", () => {
  const line = lineOf(TEXT);
  const bent = [
    "",
    "\n",
    "\n\n",
    TEXT,
    `${TEXT}\n`,
    `${TEXT}${line}`,
    `${TEXT}\n${line.trimEnd()}`,
    `${TEXT}\n${line}\n`,
    `${TEXT}\n${line}more\n`,
    `${TEXT}\n ${line}`,
    `${TEXT}\n${line.replace("\u2014", "-")}`,
    `${TEXT}\n${line.replace("\u2014 ", "\u2014")}`,
    `${TEXT}\n${line.replace(NAME, "")}`,
    `${TEXT}\n${line.replace(NAME, "a+b")}`,
    `${TEXT}\n${line.replace(NAME, "a\u3000b")}`,
    `${TEXT}\n${line.replace(NAME, "a\u0085b")}`,
    `${TEXT}\n${line.replace(NAME, "a\u0090b")}`,
    `${TEXT}\n${line.replace(NAME, "a b")}`,
    `${TEXT}\n${line.replace("\n", " \n")}`,
    `${TEXT}\n${line.replace("\n", "=\n")}`,
    `${TEXT}\n${line.replace("\n", "\r\n")}`,
    `${TEXT}\t\n${line}`,
    `${TEXT}\0\n${line}`,
    `${TEXT}\x7f\n${line}`,
    `${TEXT}\n\u2014 ${NAME} AAAAAA==\n`,
    `${TEXT}\n\u2014 ${NAME} AAAAAAF=\n`,
  ];
  for (const it of bent) assert.equal(parseNote(it), undefined, JSON.stringify(it));
  assert.ok(parseNote(`${TEXT}\n\u2014 ${NAME} AAAAAAE=\n`), "five bytes are a signature, of some kind");
  assert.ok(parseNote(`\u00e9\ufeff\u0085\n\n${line}`), "a text may have what a name may not");
});

test("a note has at most 64 KiB", () => {
  const line = lineOf(TEXT);
  const room = 65_536 - utf8(`\n\n${line}`).length;
  for (const more of [0, 1]) {
    const note = parseNote(`${"x".repeat(room + more)}\n\n${line}`);
    assert.equal(note !== undefined, more === 0);
  }
  assert.equal(parseNote(`${"é".repeat(room / 2 + 1)}\n\n${line}`), undefined, "bytes, not characters");
});

/** The verdict on a file with a note: the witnesses, or the code. */
function witnessed(note: string, vkeys = [vkeyOf()], size = 4): string {
  const ledger = new TestLedger();
  const path = ledger.headerPath(3, size);
  const file = ledger.trace({ case: "inclusion", value: ledger.inclusion() }, { witnessed: { note, path } });
  const found = verify(ledger.genesis, file, vkeys);
  if (found.verdict === "INVALID") return found.code;
  if (found.verdict === "UNDECIDABLE") return found.missing;
  const isOpen = found.statement.caveats.some((it) => it.startsWith("no witness"));
  return `${found.statement.witnesses.map((it) => `${it.name} ${it.time}`).join(", ")}${isOpen ? "nobody" : ""}`;
}

test("who saw the anchor", () => {
  const text = new TestLedger().checkpoint(4).split("\n\n")[0] + "\n";
  const line = lineOf(text, 8n);
  const other = lineOf(text, 9n, "other", seed(21));
  const otherKey = vkeyOf("other", 4, ed25519.getPublicKey(seed(21)));
  assert.equal(witnessed(`${text}\n${line}${other}`), `${NAME} 8`);
  assert.equal(witnessed(`${text}\n${line}${other}`, []), "nobody");
  assert.equal(witnessed(`${text}\n${line}${other}`, [vkeyOf(), otherKey]), `${NAME} 8, other 9`);
  assert.equal(witnessed(`${text}\n${other}`), "nobody", "nothing of a witness that has no line");
  assert.equal(witnessed(`${text}\n${line.replace(NAME, "other")}`), "nobody", "of its hash, but not its name");
  assert.equal(witnessed(`${text}\n${line}${lineOf(text, 6n)}`), `${NAME} 6`, "the last line's time");
  assert.equal(witnessed(`${text}\n${line}${lineOf("x\n", 6n)}`), "witness.signature", "each line must hold");
  assert.equal(witnessed(`${text}\n${lineOf(text, 2n ** 64n - 1n)}`), `${NAME} ${2n ** 64n - 1n}`);
  const withMore = `${text}more\n`;
  assert.equal(witnessed(`${withMore}\n${lineOf(withMore, 8n)}`), `${NAME} 8`, "lines behind the root are left aside");
  assert.equal(witnessed(`${withMore}\n${line}`), "witness.signature", "and signed");
  assert.equal(witnessed(text), "witness.malformed");
  assert.equal(witnessed(`x${text}\n${line}`), "witness.malformed");
  assert.equal(witnessed(`${text.replace("\n4\n", "\n3\n")}\n${line}`), "witness.path");
  assert.equal(witnessed(`${text}\n${line}`, [vkeyOf()], 3), "witness.path");
  assert.match(witnessed(`${text}\n${line}`, ["gz.audit"]), /verifier key/);
});
