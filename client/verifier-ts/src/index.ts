/** Verifies proof files of the Liuhen ledger. Bytes in, a verdict out: it runs in a browser as on a server. */
export { knowWitness, trustCheckpoint, trustGenesis, verify, verifyAgainst, verifyFromCheckpoint } from "./verify.js";
export type { Trust } from "./anchor.js";
export type { Witness } from "./note.js";
export type { Statement, Verdict } from "./verdict.js";
export type { Seen } from "./witnessed.js";
