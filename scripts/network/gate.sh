# A gate and a real nginx before a small service that knows nothing of either: a part of scripts/demo, which sets bin, home, pids, as and step.

beside=()
stop_beside() {
    local pid
    for pid in "${beside[@]}"; do kill -TERM "$pid" 2>/dev/null || true; done
    for pid in "${beside[@]}"; do wait "$pid" 2>/dev/null || true; done
    beside=()
}

# Asks nginx for a path, with a header more; prints the status.
ask() {
    local status
    exec 3<>"/dev/tcp/127.0.0.1/$web"
    printf 'GET %s HTTP/1.1\r\nHost: residents\r\nConnection: close\r\n%s\r\n' "$1" "${2:+$2$'\r\n'}" >&3
    read -r _ status _ <&3
    cat <&3 >/dev/null
    exec 3>&-
    echo "$status"
}

# Waits until the gateway's trail has so many records.
recorded() {
    for _ in $(seq 600); do
        [ "$(as psb-officer trail gateway gz.psb/gate -o jsonl 2>/dev/null | grep -c RecordAccess)" -ge "$1" ] && return
        sleep 0.1
    done
    die "the records are not on the trail; see $home/gate/log"
}

# Waits until nginx answers so for a stranger.
until_answered() {
    for _ in $(seq 600); do [ "$(ask /residents/7)" = "$1" ] && return; sleep 0.1; done
    die "a stranger is not answered with $1; see $home/gate/log"
}

gate_before_nginx() {
    local door watch service folder=$home/gate began
    mkdir -p "$folder/other-disk"
    next_port; door=$free_port
    next_port; watch=$free_port
    next_port; service=$free_port
    next_port; web=$free_port
    echo "a secret of the demo" > "$folder/secret"
    cat > "$folder/gate.toml" <<TOML
genesis = "../genesis.pb"
nodes = ["http://$(cat "$home/hrss/grpc.address")"]
key = "../keys/psb-gate.pem"
spool = "spool"
numbers = "other-disk/numbers"
watch = "127.0.0.1:$watch"
open_minutes = 1

[[door]]
name = "residents"
kind = "nginx"
listen = "127.0.0.1:$door"
secret = "secret"
access_log = "access.log"

[[caller]]
identity = "gz.hrss/pension-portal"
key_header = "X-Api-Key"
key_blake3 = "$(printf %s the-portals-own-key | "$bin/liuhen-gate" digest)"

[[route]]
path = "/residents/[0-9]+"
dataset = "civil.resident"
purpose = "pension-payment"
fields = ["id", "name"]
TOML
    cat > "$folder/nginx.conf" <<NGINX
daemon off;
master_process off;
pid $folder/nginx.pid;
error_log $folder/nginx.error.log;
events {}
http {
    client_body_temp_path $folder/body;
    proxy_temp_path $folder/proxy;
    fastcgi_temp_path $folder/fastcgi;
    uwsgi_temp_path $folder/uwsgi;
    scgi_temp_path $folder/scgi;
    log_format liuhen escape=json '{"request":"\$request_id","status":\$status,"rows":"\$upstream_http_x_liuhen_rows"}';
    access_log $folder/access.log liuhen;
    server {
        listen 127.0.0.1:$web;
        location / {
            auth_request /_gate;
            auth_request_set \$liuhen_access \$upstream_http_x_liuhen_access;
            add_header X-Liuhen-Access \$liuhen_access always;
            proxy_set_header X-Liuhen-Access "";
            proxy_hide_header X-Liuhen-Rows;
            proxy_pass http://127.0.0.1:$service;
        }
        location = /_gate {
            internal;
            proxy_pass http://127.0.0.1:$door;
            proxy_pass_request_body off;
            proxy_set_header Content-Length "";
            proxy_set_header X-Gate-Secret "a secret of the demo";
            proxy_set_header X-Gate-Request \$request_id;
            proxy_set_header X-Gate-Method \$request_method;
            proxy_set_header X-Gate-Uri \$request_uri;
            proxy_set_header X-Gate-Address \$remote_addr;
        }
    }
}
NGINX
    python3 - "$service" > "$folder/service.log" 2>&1 <<'PYTHON' &
import http.server, sys
class Residents(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = b'{"id": 7, "name": "a resident"}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Residents).serve_forever()
PYTHON
    beside+=($!)
    as psb-officer gateway set gz.psb/gate --datasets civil.resident >/dev/null
    as psb-officer gateway observe gz.psb/gate --datasets civil.resident --days 30 >/dev/null
    "$bin/liuhen-gate" check --settings "$folder/gate.toml"
    "$bin/liuhen-gate" run --settings "$folder/gate.toml" > /dev/null 2> "$folder/log" &
    beside+=($!)
    /usr/sbin/nginx -p "$folder" -c "$folder/nginx.conf" > /dev/null 2>&1 &
    beside+=($!)
    until_answered 200

    step "Observing: a stranger is served, and it is said that it would be denied; the portal is covered by rule"
    began=$(date +%s%N)
    [ "$(ask /residents/7 "X-Api-Key: the-portals-own-key")" = 200 ] || die "the portal was not served"
    recorded 2
    echo "on the trail after $((($(date +%s%N) - began) / 1000000)) ms, the client's own start included" >&2
    as psb-officer trail gateway gz.psb/gate --limit 5

    step "The observing ends: from now on a stranger is denied"
    as psb-officer gateway observe gz.psb/gate --datasets civil.resident --days 0 >/dev/null
    until_answered 403

    step "The gate's node stops: what was decided by before decides still, and is caught up afterwards"
    local node=${pids[1]} before
    before=$(as psb-officer trail gateway gz.psb/gate -o jsonl 2>/dev/null | grep -c RecordAccess)
    kill -STOP "$node"
    for _ in 1 2 3; do
        [ "$(ask /residents/7 "X-Api-Key: the-portals-own-key")" = 200 ] || die "the portal was not served without a node"
    done
    kill -CONT "$node"
    recorded $((before + 3))
    as psb-officer trail gateway gz.psb/gate --newest-first --limit 4
    stop_beside
}
