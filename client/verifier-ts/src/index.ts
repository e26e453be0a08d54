/** Verifies proof files of the Liuhen ledger. Bytes in, a verdict out: it runs in a browser as on a server. */
export { verify, verifyFromCheckpoint } from "./verify.js";
export type { Statement, Verdict } from "./verdict.js";
