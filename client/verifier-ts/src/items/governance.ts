/** Items by which the consortium decides: governance.proto. */
import type { AdmitVoter, Propose, SetValidator, VoidIntegrity, Vote } from "../gen/liuhen/v1/governance_pb.js";
import { IntegrityRuleSchema } from "../gen/liuhen/v1/oversight_pb.js";
import { codes, ensure, given, idIfGiven, ids, isNamed, newDepartment, rights, rootKeys, standingChange } from "./fields.js";
import { succession } from "./member.js";
import type { Rows } from "./kind.js";
import { department, governance } from "../trails.js";
import type { Place } from "../places.js";

/** Printable ASCII, as peer ids and multiaddresses are: at most 256 characters. */
const ADDRESS = /^[\x21-\x7e]{0,256}$/;

function propose(it: Propose): void {
  codes(it.department, it.reference);
  ids(it.reasonDigest);
  const change = it.change;
  switch (change.case) {
    case undefined:
      return ensure(false, "a change is needed");
    case "admitVoter":
      return admitVoter(change.value);
    case "changeMember":
      codes(change.value.department);
      return standingChange(change.value.change);
    case "setRights":
      codes(change.value.department);
      return rights(change.value.rights);
    case "setValidator":
      return setValidator(change.value);
    case "setParameters":
      ensure(change.value.parameters !== undefined, "parameters are needed");
      return ids(change.value.basis);
    case "setCalendar":
      return;
    case "setProtocol":
      return ensure(change.value.protocol > 0 && change.value.height > 0n, "a version and a height");
    case "setRoot":
      codes(change.value.department);
      return rootKeys(change.value.root);
    case "succeed":
      return succession(change.value);
    case "removePeer":
      return ensure(change.value.peerId !== "" && ADDRESS.test(change.value.peerId), "a peer id is needed");
    case "voidIntegrity":
      return voidIntegrity(change.value);
  }
}

function voidIntegrity(it: VoidIntegrity): void {
  codes(it.department);
  ensure(it.fromHeight > 0n && it.fromHeight <= it.untilHeight, "heights from one on to the same or another");
  const ascending = it.rules.every((rule, at) => at === 0 || it.rules[at - 1]! < rule);
  ensure(ascending && it.rules.every((rule) => isNamed(IntegrityRuleSchema, rule)), "rules, ascending");
}

function admitVoter(it: AdmitVoter): void {
  if (it.member === "") {
    newDepartment(it.department);
  } else {
    ensure(it.department === undefined, "a new department or a member: one of the two");
    codes(it.member);
  }
}

function setValidator(it: SetValidator): void {
  const validator = given(it.validator, "validator");
  ids(validator.keyId);
  idIfGiven(validator.cosignerKey);
  if (it.peer === undefined) return;
  const { department, peerId, consensusAddress, gossipAddress } = it.peer;
  codes(department);
  const areAddresses = [peerId, consensusAddress, gossipAddress].every((text) => ADDRESS.test(text));
  ensure(areAddresses && peerId !== "", "a peer id and addresses");
}

function vote(it: Vote): void {
  codes(it.department);
  ids(it.proposalId);
}

/** The members that a proposal is about. */
function membersOf({ change }: Propose): Place[] {
  switch (change.case) {
    case "admitVoter":
      return [department(change.value.member || (change.value.department?.code ?? ""))];
    case "changeMember":
    case "setRights":
    case "setRoot":
    case "voidIntegrity":
      return [department(change.value.department)];
    case "succeed":
      return [department(change.value.from), department(change.value.to)];
    case "setValidator":
    case "setParameters":
    case "setCalendar":
    case "setProtocol":
    case "removePeer":
    case undefined:
      return [];
  }
}

/** The kinds of this domain. */
export const GOVERNANCE = {
  propose: { check: propose, trails: (it) => [governance, ...membersOf(it)] },
  vote: { check: vote, trails: () => [governance] },
} satisfies Rows;
