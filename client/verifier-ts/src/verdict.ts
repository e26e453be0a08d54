/** What comes of a proof file, and the two ways in which checking one ends early. */

import type { Seen } from "./witnessed.js";

/** What a proof file shows, as of its anchor. */
export interface Statement {
  /** The claim's name: `inclusion`, `completeness` … */
  claim: string;
  /** One sentence for people: what is shown. */
  shows: string;
  /** The certified header at which it is shown. */
  anchor: { chain: string; height: bigint; timeMs: bigint };
  /** Of the witnesses that the verifier knows, those who saw the anchor. */
  witnesses: Seen[];
  /** What it leaves open. */
  caveats: string[];
}

/** VALID: what the file claims was so. INVALID: it does not prove it. UNDECIDABLE: something is missing. */
export type Verdict =
  | { verdict: "VALID"; statement: Statement }
  | { verdict: "INVALID"; code: string; why: string }
  | { verdict: "UNDECIDABLE"; missing: string };

/** Thrown where a file does not prove what it claims. `code` is one of docs/spec/proofs.md. */
export class Invalid extends Error {
  constructor(
    readonly code: string,
    why: string,
  ) {
    super(why);
  }
}

/** Thrown where nothing can be said; the message names what is missing. */
export class Undecidable extends Error {}

/** Throws `Invalid` unless it holds. */
export function demand(holds: boolean, code: string, why: string): asserts holds {
  if (!holds) throw new Invalid(code, why);
}
