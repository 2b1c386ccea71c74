// The floor: what any tool that talks ssh from Node must spend. One login and one script a host, nothing planned, nothing
// printed. Plain JavaScript, so that it starts as fast as built code. Usage: node floor.mjs JOB.json
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import ssh2 from "ssh2";

const job = JSON.parse(readFileSync(process.argv[2] ?? "", "utf8"));
const privateKey = readFileSync(job.identity, "utf8");
let failures = 0;

function visit({ address, port }) {
  return new Promise((resolve) => {
    const client = new ssh2.Client();
    const end = (ok) => {
      failures += ok ? 0 : 1;
      client.end();
      resolve();
    };
    client.on("error", () => end(false));
    client.on("ready", () => {
      client.exec("/bin/sh -s", (error, stream) => {
        if (error) return end(false);
        let bytes = 0;
        stream.on("data", (chunk) => {
          bytes += chunk.length;
        });
        stream.stderr.resume();
        stream.on("close", (code) => end(code === 0 && bytes > 0));
        stream.end(job.script);
      });
    });
    client.connect({
      sock: connect({ host: address, port, noDelay: true }),
      username: "root",
      authHandler: [{ type: "publickey", username: "root", key: privateKey }],
      hostVerifier: () => true,
    });
  });
}

const queue = [...job.hosts];
const worker = async () => {
  for (let host = queue.shift(); host; host = queue.shift()) await visit(host);
};
await Promise.all(Array.from({ length: job.forks }, worker));
process.exitCode = failures > 0 ? 1 : 0;
