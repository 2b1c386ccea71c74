import { type Editable, editableConf, reload, silenceNote, writeSteps } from "../gateway/conf-change.ts";
import { afterSteps } from "../gateway/effect.ts";
import type { Gateway } from "../gateway/gateway.ts";
import { type Config, optionOf, readConfig } from "../libreswan/config.ts";
import { followPolicy, POLICY_FILE, policyReason } from "../libreswan/policy-include.ts";
import { confProbe } from "../libreswan/probes.ts";
import { daemonProbes } from "../libreswan/state.ts";
import type { CryptoPolicy } from "../model/specs.generated.ts";
import type { Assessment, Kind } from "./kind.ts";

/** Whether the host's Libreswan takes its defaults from the system-wide crypto policy. */
export const cryptoPolicy: Kind<CryptoPolicy> = {
  name: "crypto_policy",
  probes: () => [...daemonProbes, confProbe],
  assess: ({ spec }, gateway) => {
    const editable = editableConf(gateway);
    if ("reason" in editable) return blocked(editable.reason, editable.unblock);
    if (spec.follow && !gateway.files.has(POLICY_FILE)) {
      return blocked(
        `the host has no crypto policy for Libreswan (${POLICY_FILE})`,
        "install crypto-policies, or take the resource out",
      );
    }
    return assessFollow(spec.follow, editable, gateway);
  },
};

function blocked(reason: string, unblock: string): Assessment {
  return { changes: [], notes: [], blocked: { reason, unblock } };
}

function assessFollow(follow: boolean, { config, tree, version }: Editable, gateway: Gateway): Assessment {
  const edit = followPolicy(tree, follow, version);
  if ("refused" in edit) return blocked(edit.refused, edit.help);
  const after = readConfig(edit.tree, version);
  const notes = follow ? [] : withoutProposals(after);
  if (edit.files.length === 0) return { changes: [], notes };
  const written = writeSteps(edit.files, gateway);
  if ("reason" in written) return blocked(written.reason, written.unblock);
  const { steps, interrupts } = reload(edit.affected, afterSteps(gateway, written.steps));
  const affected = edit.affected.length === 0 ? "no conn takes a value from it" : `this changes ${edit.affected.join(", ")}`;
  const dropped = after.conns.find(
    (conn) => !conn.loaded && config.conns.some(({ name, loaded }) => name === conn.name && loaded),
  );
  if (dropped !== undefined)
    return blocked(`Libreswan would then drop conn ${dropped.name}: ${dropped.reason ?? ""}`, "mend that conn first");
  return {
    changes: [
      {
        action: "update",
        target: `${edit.files[0]?.path ?? tree.main} include ${POLICY_FILE}`,
        property: "follow",
        before: !follow,
        after: follow,
        reason: `${policyReason(tree, config)}; ${affected}`,
        impact: interrupts.length > 0 ? "flap" : "none",
        risks_access: false,
        interrupts,
        ...written,
        finally: steps,
      },
    ],
    notes: [...notes, ...silenceNote(gateway)],
  };
}

/** Conns that offer whatever the build's own defaults are once the policy no longer says what. */
function withoutProposals(config: Config): readonly string[] {
  const { version } = config;
  const has = (options: Parameters<typeof optionOf>[0], key: string): boolean =>
    optionOf(options, key, { version, section: "conn" }) !== undefined;
  return config.conns
    .filter(({ options }) => has(options, "left") && has(options, "right"))
    .flatMap(({ name, options }) => {
      const missing = [["ike"], ["esp", "phase2alg", "ah"]]
        .filter((keys) => !keys.some((key) => has(options, key)))
        .map(([key]) => `${key}=`);
      return missing.length === 0
        ? []
        : [`conn ${name} has no ${missing.join(" and no ")} of its own: Libreswan's built-in offers count`];
    });
}
