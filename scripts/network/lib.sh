# Founding and running a consortium on this machine: what scripts/demo and scripts/network/week share.
# The caller sets: bin (the programs), home (an empty folder), nodes (departments with a node), and has
# put join files into $home/departments. Key files go to $home/keys.

# Adds an identity with a new key to a department's join file: department, code, kind, more flags.
identity() {
    local department=$1 code=$2 kind=$3
    shift 3
    "$bin/liuhen" key new --plain --out "$home/keys/$department-$code.pem" \
        --join "$home/departments/$department.toml" --code "$code" --kind "$kind" "$@" >/dev/null
}

# A port that nobody listens on. bash opens /dev/tcp itself.
port=${LIUHEN_DEMO_PORT:-$((20000 + RANDOM % 10000))}
next_port() {
    while port=$((port + 1)); (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do :; done
    free_port=$port
}

# Homes of the nodes, the founding document from a consortium's part, and who is whose peer.
found() {
    local node other
    declare -A peer consensus gossip
    for node in "${nodes[@]}"; do
        next_port; consensus[$node]=$free_port
        next_port; gossip[$node]=$free_port
        peer[$node]=$("$bin/liuhen-node" init --home "$home/$node" --join "$home/departments/$node.toml" \
            --plain-keys --consensus-listen "/ip4/127.0.0.1/tcp/${consensus[$node]}" \
            --gossip-listen "/ip4/127.0.0.1/tcp/${gossip[$node]}" --grpc-listen 127.0.0.1:0 \
            --tiles-listen 127.0.0.1:0 2>/dev/null)
    done
    sed "s/^time = .*/time = \"$(date -u +%Y-%m-%dT%H:%M:%SZ)\"/" "$1" > "$home/consortium.toml"
    "$bin/liuhen-node" genesis compose --consortium "$home/consortium.toml" \
        --out "$home/genesis.toml" "$home"/departments/*.toml
    "$bin/liuhen-node" genesis build "$home/genesis.toml" --out "$home/genesis.pb"
    for node in "${nodes[@]}"; do
        cp "$home/genesis.pb" "$home/$node/"
        for other in "${nodes[@]}"; do
            [ "$other" = "$node" ] || printf '[[peer]]\nid = "%s"\nconsensus = "/ip4/127.0.0.1/tcp/%s"\ngossip = "/ip4/127.0.0.1/tcp/%s"\n' \
                "${peer[$other]}" "${consensus[$other]}" "${gossip[$other]}" >> "$home/$node/node.toml"
        done
    done
}

# Starts the nodes; their process ids go to the array pids.
pids=()
start_nodes() {
    local node
    for node in "${nodes[@]}"; do
        "$bin/liuhen-node" run --home "$home/$node" > /dev/null 2> "$home/$node/log" &
        pids+=($!)
    done
    for node in "${nodes[@]}"; do
        for _ in $(seq 300); do [ -s "$home/$node/grpc.address" ] && break; sleep 0.1; done
        [ -s "$home/$node/grpc.address" ] || { echo "node $node did not start; see $home/$node/log" >&2; return 1; }
    done
    export LIUHEN_NODE; LIUHEN_NODE=http://$(cat "$home/${nodes[0]}/grpc.address")
    for _ in $(seq 300); do [ "$("$bin/liuhen" status -o json | number height)" -gt 0 ] && return; sleep 0.1; done
    echo "no block was made; see $home/${nodes[0]}/log" >&2
    return 1
}

stop_nodes() {
    local pid
    for pid in "${pids[@]}"; do kill -TERM "$pid" 2>/dev/null || true; done
    for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
    pids=()
}

# Prints a number that a JSON answer has under a name.
number() { sed -n "s/.*\"$1\": *\"\{0,1\}\([0-9a-f]*\).*/\1/p" | head -n 1; }
