/** Items on departments and identities: member.proto. */
import { IdentityKind } from "../gen/liuhen/v1/consortium_pb.js";
import type * as member from "../gen/liuhen/v1/member_pb.js";
import { SIGNATURE_BYTES } from "../signature.js";
import {
  IDENTITY_KEYS,
  ascendingBytes,
  codeIfGiven,
  codes,
  ensure,
  given,
  idIfGiven,
  ids,
  newDepartment,
  newKeys,
  rootKeys,
  standingChange,
  within,
} from "./fields.js";
import type { Origin, Rows } from "./kind.js";
import { department, identity } from "../trails.js";
import { ID, made } from "../transactions.js";
import type { Place } from "../places.js";

/** Kinds of identities that are posts, and have holders. */
const POSTS = [IdentityKind.OFFICER, IdentityKind.AUDITOR, IdentityKind.REGULATOR];

function admitDepartment(it: member.AdmitDepartment): void {
  codes(it.manager);
  newDepartment(it.department);
}

function changeDepartment(it: member.ChangeDepartment): void {
  codes(it.manager, it.department);
  standingChange(it.change);
  ids(it.reasonDigest);
}

function succeedDepartment(it: member.SucceedDepartment): void {
  codes(it.lead);
  succession(it.succession);
}

export function succession(part: member.Succession | undefined): void {
  const { from, to, orderDigest } = given(part, "succession");
  codes(from, to);
  ensure(from !== to, "a department does not follow on itself");
  ids(orderDigest);
}

function registerIdentity(it: member.RegisterIdentity): void {
  codes(it.department, it.code);
  within(it.kind, 1, 6, "a kind of identity");
  ensure(it.keys.length > 0, "at least one key is needed");
  newKeys(it.keys);
  codeIfGiven(it.duty);
  idIfGiven(it.holder);
  ensure(POSTS.includes(it.kind) || it.holder.length === 0, "only a post has a holder");
  codeIfGiven(it.operatedBy);
  ensure(it.kind === IdentityKind.SYSTEM || it.operatedBy === "", "only a system is operated by another department");
  cosignatures(it.cosignatures);
}

function rotateKeys(it: member.RotateKeys): void {
  codes(it.department);
  ids(it.identityId, ...it.end);
  newKeys(it.add);
  ascendingBytes(it.end, IDENTITY_KEYS);
  ensure(it.add.length + it.end.length > 0, "a key to take up or to lay down is needed");
  cosignatures(it.cosignatures);
}

function changeIdentity(it: member.ChangeIdentity): void {
  codes(it.department);
  ids(it.identityId, it.reasonDigest);
  standingChange(it.change);
  cosignatures(it.cosignatures);
}

function assignPost(it: member.AssignPost): void {
  codes(it.department);
  ids(it.identityId);
  idIfGiven(it.holder);
  cosignatures(it.cosignatures);
}

function replaceRoot(it: member.ReplaceRoot): void {
  codes(it.parent, it.department);
  rootKeys(it.root);
  ids(it.reasonDigest);
}

function objectToRoot(it: member.ObjectToRoot): void {
  codes(it.department);
}

function cosignatures(list: readonly member.Cosignature[]): void {
  ascendingBytes(
    list.map((it) => it.keyId),
    IDENTITY_KEYS,
  );
  for (const { keyId, signature } of list) {
    ids(keyId);
    ensure(signature.length === SIGNATURE_BYTES, "a signature has 64 bytes");
  }
}

/** The identity that an item registers. */
function registered(at: Origin): Place {
  return identity(made(ID.identity, at));
}

/** The kinds of this domain. */
export const MEMBER = {
  admitDepartment: { check: admitDepartment, trails: (it, at) => [department(it.manager), department(it.department?.code ?? ""), registered(at)] },
  changeDepartment: { check: changeDepartment, trails: (it) => [department(it.department), department(it.manager)] },
  succeedDepartment: { check: succeedDepartment, trails: ({ succession: it }) => (it === undefined ? [] : [department(it.from), department(it.to)]) },
  registerIdentity: { check: registerIdentity, trails: (it, at) => [department(it.department), registered(at)] },
  rotateKeys: { check: rotateKeys, trails: (it) => [department(it.department), identity(it.identityId)] },
  changeIdentity: { check: changeIdentity, trails: (it) => [department(it.department), identity(it.identityId)] },
  assignPost: { check: assignPost, trails: (it) => [department(it.department), identity(it.identityId)] },
  replaceRoot: { check: replaceRoot, trails: (it) => [department(it.department), department(it.parent)] },
  objectToRoot: { check: objectToRoot, trails: (it) => [department(it.department)] },
} satisfies Rows;
