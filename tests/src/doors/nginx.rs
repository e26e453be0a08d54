//! A real nginx.

use super::{Gate, Process, SECRET, has};
use crate::consortium::free_port;
use crate::wait::until;
use std::fs::File;
use std::process::{Command, Stdio};
use tokio::net::TcpStream;

const NGINX: &str = "/usr/sbin/nginx";

/// A real nginx before a service, which asks a gate.
pub struct Nginx {
    /// Its port.
    pub port: u16,
    process: Process,
}

impl Nginx {
    /// Whether it is here.
    pub fn is_here() -> bool {
        has(NGINX)
    }

    /// Starts it before a service at this port.
    pub async fn start(gate: &Gate, service: u16) -> anyhow::Result<Self> {
        Self::start_with(gate, service, ("", "")).await
    }

    /// The same with more of `http` and of its `server`.
    pub async fn start_with(
        gate: &Gate,
        service: u16,
        (of_http, of_server): (&str, &str),
    ) -> anyhow::Result<Self> {
        let (folder, port, asked) = (&gate.folder, free_port()?, gate.nginx);
        let text = format!(
            r#"daemon off;
user root;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/nginx.error.log;
events {{}}
http {{
    client_body_temp_path {folder}/nginx-body;
    proxy_temp_path {folder}/nginx-proxy;
    fastcgi_temp_path {folder}/nginx-fastcgi;
    uwsgi_temp_path {folder}/nginx-uwsgi;
    scgi_temp_path {folder}/nginx-scgi;
    log_format liuhen escape=json
        '{{"request":"$request_id","status":$status,"rows":"$upstream_http_x_liuhen_rows"}}';
    access_log {folder}/access.log liuhen;
    {of_http}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            auth_request /_gate;
            auth_request_set $liuhen_access $upstream_http_x_liuhen_access;
            add_header X-Liuhen-Access $liuhen_access always;
            proxy_hide_header X-Liuhen-Rows;
            proxy_set_header X-Liuhen-Access "";
            proxy_pass http://127.0.0.1:{service};
        }}
        {of_server}
        location = /_gate {{
            internal;
            proxy_pass http://127.0.0.1:{asked};
            proxy_pass_request_body off;
            proxy_set_header Content-Length "";
            proxy_set_header X-Gate-Secret "{SECRET}";
            proxy_set_header X-Gate-Request $request_id;
            proxy_set_header X-Gate-Method $request_method;
            proxy_set_header X-Gate-Uri $request_uri;
            proxy_set_header X-Gate-Address $remote_addr;
            proxy_set_header X-Gate-Certificate $ssl_client_s_dn;
        }}
    }}
}}
"#,
            folder = folder.display()
        );
        let conf = folder.join("nginx.conf");
        std::fs::write(&conf, text)?;
        let child = Command::new(NGINX)
            .arg("-p")
            .arg(folder)
            .arg("-c")
            .arg(&conf)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(folder.join("nginx.log"))?)
            .spawn()?;
        let process = Process(child);
        until("nginx", async || TcpStream::connect(("127.0.0.1", port)).await.ok()).await?;
        Ok(Self { port, process })
    }

    /// Has it open its logs again, as after they were turned over.
    pub fn reopen(&self) -> anyhow::Result<()> {
        self.process.signal("-USR1")
    }
}

impl Drop for Nginx {
    /// Told to end, it ends its workers; killed, it would leave them.
    fn drop(&mut self) {
        if self.process.signal("-TERM").is_ok() {
            let _ = self.process.0.wait();
        }
    }
}
