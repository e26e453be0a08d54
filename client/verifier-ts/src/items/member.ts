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

/** Kinds of identities that are posts, and have holders. */
const POSTS = [IdentityKind.OFFICER, IdentityKind.AUDITOR, IdentityKind.REGULATOR];

export function admitDepartment(it: member.AdmitDepartment): void {
  codes(it.manager);
  newDepartment(it.department);
}

export function changeDepartment(it: member.ChangeDepartment): void {
  codes(it.manager, it.department);
  standingChange(it.change);
  ids(it.reasonDigest);
}

export function succeedDepartment(it: member.SucceedDepartment): void {
  codes(it.lead);
  succession(it.succession);
}

export function succession(part: member.Succession | undefined): void {
  const { from, to, orderDigest } = given(part, "succession");
  codes(from, to);
  ensure(from !== to, "a department does not follow on itself");
  ids(orderDigest);
}

export function registerIdentity(it: member.RegisterIdentity): void {
  codes(it.department, it.code);
  within(it.kind, 1, 6, "a kind of identity");
  ensure(it.keys.length > 0, "at least one key is needed");
  newKeys(it.keys);
  codeIfGiven(it.duty);
  idIfGiven(it.holder);
  ensure(POSTS.includes(it.kind) || it.holder.length === 0, "only a post has a holder");
  cosignatures(it.cosignatures);
}

export function rotateKeys(it: member.RotateKeys): void {
  codes(it.department);
  ids(it.identityId, ...it.end);
  newKeys(it.add);
  ascendingBytes(it.end, IDENTITY_KEYS);
  ensure(it.add.length + it.end.length > 0, "a key to take up or to lay down is needed");
  cosignatures(it.cosignatures);
}

export function changeIdentity(it: member.ChangeIdentity): void {
  codes(it.department);
  ids(it.identityId, it.reasonDigest);
  standingChange(it.change);
  cosignatures(it.cosignatures);
}

export function assignPost(it: member.AssignPost): void {
  codes(it.department);
  ids(it.identityId);
  idIfGiven(it.holder);
  cosignatures(it.cosignatures);
}

export function replaceRoot(it: member.ReplaceRoot): void {
  codes(it.parent, it.department);
  rootKeys(it.root);
  ids(it.reasonDigest);
}

export function objectToRoot(it: member.ObjectToRoot): void {
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
