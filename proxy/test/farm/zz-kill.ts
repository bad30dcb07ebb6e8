import { writeFileSync } from "node:fs";
import { FarmWorld } from "./farm-world.js";
import { SHELL } from "../system/world.js";
const QUICK = "FROM scratch\nCOPY . /\n";
const SLOW = `${SHELL}COPY . /src\nRUN sleep 1 && cat /src/file > /done\n`;
const N = Number(process.argv[2] ?? 60);
const world = await FarmWorld.start({ builders: 4 });
let next = 0, done = 0;
const t0 = Date.now();
const say = (...a: unknown[]) => console.log(((Date.now() - t0) / 1000).toFixed(1), ...a);
try {
  await Promise.all(Array.from({ length: 16 }, async (_, c) => {
    const bx = await world.client(c);
    while (next < N) {
      const i = next++;
      const ctx = await world.context(`${i}/project-${i % 20}`, { Dockerfile: i % 5 === 0 ? SLOW : QUICK, file: `b ${i}\n` });
      const timer = setTimeout(() => {
        void (async () => {
          const s = await world.series();
          say("HUNG", i, JSON.stringify([...s].filter(([k, v]) => /in_flight|relay_conn|clients|queue_w|moved/.test(k) && v !== 0)));
          const all = await world.all(`project-${i % 20}`);
          say(JSON.stringify(all.filter((b) => b.outcome === "running").map(({ ref, project, builder, startedAtMs }) => ({ ref, project, builder, at: startedAtMs - t0 }))));
          for (const b of world.builders) { const o = await b.buildctl("debug", "histories"); const d = await b.buildctl("debug", "info"); say(b.address, o.code, o.stderr.slice(0,100), d.code); writeFileSync(`/tmp/w/q5/t1/log-${b.address.split(":").at(-1)}`, b.log()); }
        })().catch(() => undefined);
      }, 25_000);
      try {
        const o = await bx.run(world.command(ctx), { timeoutMs: 40_000 });
        if (o.code !== 0) say(i, o.code, o.stderr.split("\n").filter((l) => /ERROR|rpc/.test(l)).slice(-2).join(" | "));
      } catch (e) { say("TIMEOUT", i, String(e)); }
      clearTimeout(timer);
      if (++done === 20) { say("kill", world.builders[0]!.address); void world.builders[0]!.kill(); }
    }
  }));
  say("all done");
  const left = [...(await world.series())].filter(([k, v]) => /in_flight|relay_conn|clients|queue_w|moved|calls_total/.test(k) && v !== 0);
  say(JSON.stringify(left));
} finally {
  writeFileSync("/tmp/w/q5/t1/mb.log", world.memoBuild.logs().map((l) => JSON.stringify(l)).join("\n"));
  await world.stop().catch((e) => say(String(e).slice(0, 300)));
}
process.exit(0);
