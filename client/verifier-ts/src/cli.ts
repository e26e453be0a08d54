#!/usr/bin/env node
/** `liuhen-verify-ts`: verifies proof files. The only part that reads files. */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import type { Trust } from "./anchor.js";
import type { Witness } from "./note.js";
import type { Verdict } from "./verdict.js";
import { knowWitness, trustCheckpoint, trustGenesis, verifyAgainst } from "./verify.js";

const USAGE = `usage: liuhen-verify-ts (--genesis FILE | --checkpoint FILE) [OPTIONS] FILES…

Verifies proof files (.trace) against the founding document, or against a checkpoint that you noted.
--witness KEY: the verifier key (name+hash+base64) of a witness, from the witness itself; any number of them.
--max-age AGE: UNDECIDABLE where the anchor is older, by this machine's clock; a number and s, m, h or d, as in 30d.
--json: a line of JSON for each file.
Exit code: 0 all VALID, 3 one INVALID, 4 one UNDECIDABLE and none INVALID, 2 wrong usage, 1 a file can't be read.`;

/** Exit codes: those of verdicts stand in docs/spec/proofs.md. */
const EXIT = { VALID: 0, UNREADABLE: 1, USAGE: 2, INVALID: 3, UNDECIDABLE: 4 } as const;

/** Thrown to end with a message and an exit code. */
class Stop extends Error {
  constructor(
    readonly code: number,
    message: string,
  ) {
    super(message);
  }
}

interface Arguments {
  genesis: string | undefined;
  checkpoint: string | undefined;
  witnesses: Witness[];
  maxAgeMs: bigint | undefined;
  json: boolean;
  files: string[];
}

function readArguments(): Arguments {
  try {
    const options = {
      genesis: { type: "string" },
      checkpoint: { type: "string" },
      witness: { type: "string", multiple: true },
      "max-age": { type: "string" },
      json: { type: "boolean" },
      help: { type: "boolean" },
    } as const;
    const { values, positionals } = parseArgs({ options, allowPositionals: true });
    if (values.help === true) throw new Stop(EXIT.VALID, USAGE);
    const { genesis, checkpoint, json = false, witness = [], "max-age": age } = values;
    const witnesses = witness.map(readWitness);
    const maxAgeMs = age === undefined ? undefined : readAge(age);
    return { genesis, checkpoint, witnesses, maxAgeMs, json, files: positionals };
  } catch (error) {
    if (error instanceof Stop) throw error;
    throw new Stop(EXIT.USAGE, `${(error as Error).message}\n\n${USAGE}`);
  }
}

function readWitness(vkey: string): Witness {
  const witness = knowWitness(vkey);
  if (typeof witness === "string") throw new Stop(EXIT.USAGE, `\`${vkey}\`: needed is ${witness}`);
  return witness;
}

const UNITS_MS: Record<string, bigint> = { s: 1000n, m: 60_000n, h: 3_600_000n, d: 86_400_000n };

function readAge(text: string): bigint {
  const [, number, unit = ""] = /^([0-9]{1,20})([smhd])$/.exec(text) ?? [];
  const unitMs = UNITS_MS[unit];
  if (number === undefined || unitMs === undefined)
    throw new Stop(EXIT.USAGE, `\`${text}\`: a number and s, m, h or d are needed, as in 30d`);
  return BigInt(number) * unitMs;
}

/** A VALID file whose anchor is too old, by this machine's clock, leaves undecided what came since. */
function undecidedByAge(verdict: Verdict, maxAgeMs: bigint | undefined): Verdict {
  if (maxAgeMs === undefined || verdict.verdict !== "VALID") return verdict;
  const ageMs = BigInt(Date.now()) - verdict.statement.anchor.timeMs;
  if (ageMs <= maxAgeMs) return verdict;
  return { verdict: "UNDECIDABLE", missing: `a proof by a newer block: this one is ${ageMs / 1000n} s old` };
}

function read(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new Stop(EXIT.UNREADABLE, (error as Error).message);
  }
}

function readTrust({ genesis, checkpoint }: Arguments): Trust {
  if ((genesis === undefined) === (checkpoint === undefined)) throw new Stop(EXIT.USAGE, USAGE);
  const trust =
    genesis !== undefined
      ? trustGenesis(read(genesis))
      : trustCheckpoint(new TextDecoder().decode(read(checkpoint as string)));
  if (typeof trust === "string") throw new Stop(EXIT.USAGE, `needed: ${trust}`);
  return trust;
}

/** A verdict as a line of JSON. Numbers that may be beyond 2⁵³ are texts. */
function asJson(file: string, verdict: Verdict): string {
  return JSON.stringify({ file, ...verdict }, (_, value) => (typeof value === "bigint" ? value.toString() : value));
}

function asText(file: string, verdict: Verdict): string {
  switch (verdict.verdict) {
    case "INVALID":
      return `${file}: INVALID (${verdict.code}): ${verdict.why}`;
    case "UNDECIDABLE":
      return `${file}: UNDECIDABLE: needed is ${verdict.missing}`;
    case "VALID": {
      const { claim, shows, anchor, witnesses, caveats } = verdict.statement;
      const seen = witnesses.map(({ name, time }) => `  seen by ${name}, by its own clock ${time} s after 1970-01-01`);
      const asOf = `as of height ${anchor.height}, block time ${anchor.timeMs} ms, chain ${anchor.chain}`;
      const open = caveats.map((it) => `  open: ${it}`);
      return [`${file}: VALID (${claim}): ${shows}`, `  ${asOf}`, ...seen, ...open].join("\n");
    }
  }
}

function main(): number {
  const given = readArguments();
  if (given.files.length === 0) throw new Stop(EXIT.USAGE, USAGE);
  const trust = readTrust(given);
  const found = new Set<Verdict["verdict"]>();
  for (const file of given.files) {
    const verdict = undecidedByAge(verifyAgainst(trust, read(file), given.witnesses), given.maxAgeMs);
    found.add(verdict.verdict);
    console.log(given.json ? asJson(file, verdict) : asText(file, verdict));
  }
  // Of several files the worst decides.
  const worst = (["INVALID", "UNDECIDABLE"] as const).find((it) => found.has(it)) ?? "VALID";
  return EXIT[worst];
}

try {
  process.exitCode = main();
} catch (error) {
  if (!(error instanceof Stop)) throw error;
  console.error(error.message);
  process.exitCode = error.code;
}
