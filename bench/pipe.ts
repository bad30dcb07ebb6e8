/** The yardstick: forwards bytes between a unix socket and another as plainly as Node can, and knows no HTTP/2. */
import { connect, createServer } from "node:net";

const [listen, target] = process.argv.slice(2);
if (listen === undefined || target === undefined) throw new Error("usage: pipe.ts LISTEN-PATH TARGET-PATH");

createServer((client) => {
  const builder = connect(target);
  client.on("error", () => builder.destroy()).pipe(builder);
  builder.on("error", () => client.destroy()).pipe(client);
}).listen(listen, () => {
  console.error("listening");
});
