/** Makes a certificate authority with a server and a client certificate, by openssl. */
import { join } from "node:path";
import { runOk } from "./command.js";
import { writeFiles } from "./temp-dir.js";

export interface Certificates {
  readonly ca: string;
  readonly serverCert: string;
  readonly serverKey: string;
  readonly clientCert: string;
  readonly clientKey: string;
}

/** The name in the server's certificate, besides localhost and 127.0.0.1. */
export const SERVER_NAME = "builder.test";

const REQUEST = ["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-batch"];

async function sign(dir: string, name: string, usage: string, hosts: string): Promise<void> {
  const path = (suffix: string): string => join(dir, `${name}.${suffix}`);
  await writeFiles(dir, { [`${name}.ext`]: `extendedKeyUsage=${usage}\nsubjectAltName=${hosts}\n` });
  await runOk("openssl", [...REQUEST, "-keyout", path("key"), "-out", path("csr"), "-subj", `/CN=${name}`]);
  const authority = ["-CA", join(dir, "ca.crt"), "-CAkey", join(dir, "ca.key"), "-CAcreateserial"];
  const files = ["-in", path("csr"), "-out", path("crt"), "-extfile", path("ext")];
  await runOk("openssl", ["x509", "-req", ...files, ...authority, "-days", "2"]);
}

/** Writes the files into `dir`, which must exist. */
export async function makeCertificates(dir: string): Promise<Certificates> {
  const path = (name: string): string => join(dir, name);
  await runOk("openssl", [
    ...[...REQUEST, "-x509", "-days", "2", "-subj", "/CN=test authority"],
    ...["-keyout", path("ca.key"), "-out", path("ca.crt")],
  ]);
  await sign(dir, "server", "serverAuth", `DNS:${SERVER_NAME},DNS:localhost,IP:127.0.0.1`);
  await sign(dir, "client", "clientAuth", "DNS:client.test");
  return {
    ca: path("ca.crt"),
    serverCert: path("server.crt"),
    serverKey: path("server.key"),
    clientCert: path("client.crt"),
    clientKey: path("client.key"),
  };
}
