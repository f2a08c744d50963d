/** The settings of an embedded server, on its command line so that no file in the data directory decides them. */
export function serverSettings(port: number, durable: boolean): readonly string[] {
  const settings: Readonly<Record<string, string>> = {
    listen_addresses: "127.0.0.1",
    port: String(port),
    unix_socket_directories: "",
    password_encryption: "scram-sha-256",
    max_connections: "200",
    shared_buffers: "64MB",
    timezone: "UTC",
    log_timezone: "UTC",
    lc_messages: "C",
    // One machine, one server: no replicas to feed.
    wal_level: "minimal",
    max_wal_senders: "0",
    max_logical_replication_workers: "0",
    max_wal_size: "512MB",
    // Short queries on small tables: compiling them, and workers for asynchronous reads, cost more than they bring.
    jit: "off",
    io_method: "sync",
    // Commits still reach the operating system, so that they survive a kill; only a power cut is fatal.
    ...(durable ? {} : { fsync: "off", full_page_writes: "off" }),
  };
  return Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
}
