/** Who beside the validators saw the anchor: witnesses that the verifier knows. */
import { equal } from "./bytes.js";
import { parseCheckpoint } from "./checkpoint.js";
import type { Witnessed } from "./gen/liuhen/v1/proof_pb.js";
import { needHashes } from "./hashes.js";
import type { Header } from "./header.js";
import { HEADER_LOG, rootsOfInclusion } from "./merkle.js";
import { type Note, type Witness, isBy, parseNote, timeOfCosignature } from "./note.js";
import { demand } from "./verdict.js";

/** A witness that saw the log with the anchor in it, and never shrink; when, by its own clock. */
export interface Seen {
  name: string;
  /** Seconds since the Unix epoch. */
  time: bigint;
}

/** Checks that the anchor is in a checkpoint, and gives those of the known witnesses who cosigned it. */
export function checkWitnessed(given: Witnessed, anchor: Header, known: readonly Witness[]): Seen[] {
  const note = parseNote(given.note);
  const checkpoint = note && parseCheckpoint(note.text);
  demand(note !== undefined && checkpoint !== undefined, "witness.malformed", "no signed note of a checkpoint");
  demand(equal(checkpoint.chain, anchor.chain), "chain.other", "a checkpoint of another chain");
  needHashes(given.path);
  const roots = rootsOfInclusion(HEADER_LOG, anchor.id, anchor.height, checkpoint.size, given.path);
  const isIn = roots !== undefined && equal(roots.root, checkpoint.root) && equal(roots.before, anchor.logRoot);
  demand(isIn, "witness.path", "the anchor's log is not the checkpoint's");
  return known.flatMap((witness) => seenBy(witness, note));
}

/** That a witness saw it, or nothing where it has no line. Each of its lines must hold; the last one's time is told. */
function seenBy(witness: Witness, { text, lines }: Note): Seen[] {
  const times = lines
    .filter((it) => isBy(it, witness))
    .map(({ signature }) => {
      const time = timeOfCosignature(text, signature, witness);
      demand(time !== undefined, "witness.signature", `a bad line of ${witness.name}`);
      return time;
    });
  const time = times.at(-1);
  return time === undefined ? [] : [{ name: witness.name, time }];
}
