import type { Change } from "../model/plan.ts";
import type { Step } from "../model/step.ts";
import type { Bond } from "./bonding.ts";
import { ESP_OFFLOAD } from "./offload.ts";
import { bondOptions, FEATURE_PREFIX, type Profile, profileMode } from "./profile.ts";
import type { NetworkState } from "./state.ts";

/** What the repairs depend on besides the bond and its profile. */
export interface Surroundings {
  readonly features: NetworkState["features"];
  /** The tunnels that taking the bond down interrupts. */
  readonly interrupts: readonly string[];
  readonly plutoAnswers: boolean;
}

/**
 * The changes that make a bond offload ESP, least disruption first: the profile and the running feature are set apart, and
 * the bond is activated anew only for another mode.
 */
export function offloadRepairs(
  bond: Bond,
  profile: Profile,
  { features, interrupts, plutoAnswers }: Surroundings,
): readonly Change[] {
  const connection = profile.uuid;
  const activates = bond.mode !== "active-backup";
  const feature = featureChange(profile);
  const changes: Change[] = [];
  if (activates || profileMode(profile) !== "active-backup") {
    const [modify, restore] = modeSteps(profile);
    const withFeature = activates && feature ? feature : undefined;
    changes.push({
      action: "update",
      target: `bond ${bond.name}`,
      property: "mode",
      before: activates ? bond.mode : profileMode(profile),
      after: "active-backup",
      reason: activates
        ? `${bond.name} runs in mode ${bond.mode}; only active-backup offloads ESP, and a mode changes by activating the bond anew`
        : `the profile ${profile.name} says ${profileMode(profile)}, so the next activation would end the offload`,
      impact: activates ? "outage" : "none",
      risks_access: activates,
      interrupts: activates ? interrupts : [],
      steps: [...modify, ...(withFeature?.steps ?? []), ...(activates ? [activate(connection)] : [])],
      ...(activates && plutoAnswers ? { finally: LOOK_AGAIN } : {}),
      undo: activates
        ? [...(withFeature?.undo ?? []), ...formerMode(profile, bond), activate(connection), ...afterFormerMode(profile, bond)]
        : restore,
    });
  }
  if (feature && !activates) changes.push(feature);
  const running = features.get(bond.name)?.get(ESP_OFFLOAD);
  if (!activates && !running?.on && running?.requested !== true) changes.push(runTimeChange(bond, plutoAnswers));
  return changes;
}

/** Pluto learns what an interface offloads when it looks for interfaces. */
const LOOK_AGAIN: readonly Step[] = [{ do: "pluto-listen" }];

function featureChange(profile: Profile): Change | undefined {
  const before = profile.features.get(ESP_OFFLOAD);
  if (before === true) return undefined;
  const modify = (value: string): Step => ({
    do: "nm-modify",
    connection: profile.uuid,
    property: `${FEATURE_PREFIX}${ESP_OFFLOAD}`,
    value,
  });
  return {
    action: before === undefined ? "create" : "update",
    target: `NetworkManager profile ${profile.name}`,
    property: `${FEATURE_PREFIX}${ESP_OFFLOAD}`,
    before: before === undefined ? null : "off",
    after: "on",
    reason: "the profile does not switch ESP offload on, so the bond's next activation leaves it to chance",
    impact: "none",
    risks_access: false,
    interrupts: [],
    steps: [modify("on")],
    undo: [modify(before === undefined ? "" : "off")],
  };
}

/** Setting the feature on the running bond spares the interruption that activating the profile would be. */
function runTimeChange(bond: Bond, plutoAnswers: boolean): Change {
  const set = (on: boolean): Step => ({ do: "ethtool-feature", device: bond.name, feature: ESP_OFFLOAD, on });
  return {
    action: "update",
    target: `bond ${bond.name}`,
    property: ESP_OFFLOAD,
    before: "off",
    after: "on",
    reason: "the running bond does not offload ESP; the feature is set without taking the bond down",
    impact: "none",
    risks_access: false,
    interrupts: [],
    steps: [set(true)],
    undo: [set(false)],
    ...(plutoAnswers ? { finally: LOOK_AGAIN } : {}),
  };
}

function activate(connection: string): Step {
  return { do: "nm-activate", connection };
}

/** Makes the profile active-backup, and back. Only the mode is merged in: the property itself would replace every option. */
function modeSteps(profile: Profile): readonly [readonly Step[], readonly Step[]] {
  if (profileMode(profile) === "active-backup") return [[], []];
  const modify = (property: string, value: string): Step => ({ do: "nm-modify", connection: profile.uuid, property, value });
  // NetworkManager 1.42 refuses lacp_rate in any mode but 802.3ad; other options that do not fit it drops by itself.
  const unfit = bondOptions(profile.bondOptions).has("lacp_rate") ? [modify("-bond.options", "lacp_rate")] : [];
  return [[...unfit, modify("+bond.options", "mode=active-backup")], restoreOptions(profile)];
}

function restoreOptions(profile: Profile): readonly Step[] {
  return [{ do: "nm-modify", connection: profile.uuid, property: "bond.options", value: profile.bondOptions }];
}

/** Options under which activating the profile brings the bond's former mode back; those of monitoring fit every mode. */
function formerMode(profile: Profile, bond: Bond): readonly Step[] {
  if (profileMode(profile) === bond.mode) return restoreOptions(profile);
  const kept = [...bondOptions(profile.bondOptions)].filter(([name]) => /^(miimon|updelay|downdelay)$/.test(name));
  const value = [["mode", bond.mode], ...kept].map(([name, option]) => `${name}=${option}`).join(",");
  return [{ do: "nm-modify", connection: profile.uuid, property: "bond.options", value }];
}

function afterFormerMode(profile: Profile, bond: Bond): readonly Step[] {
  return profileMode(profile) === bond.mode ? [] : restoreOptions(profile);
}
