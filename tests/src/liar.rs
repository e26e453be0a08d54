//! A node that lies: what another says passes, and in each long answer a byte is another.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

/// Answers as long as this are bent: proofs are, and what is said of how a node stands is not.
const LONG: usize = 600;

/// Lies about what the node at a port says; gives its own port.
pub async fn liar(node: u16) -> anyhow::Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    tokio::spawn(async move {
        while let Ok((near, _)) = listener.accept().await {
            tokio::spawn(async move {
                let Ok(far) = TcpStream::connect(("127.0.0.1", node)).await else { return };
                let (mut near_in, near_out) = near.into_split();
                let (far_in, mut far_out) = far.into_split();
                let asked = tokio::io::copy(&mut near_in, &mut far_out);
                let _ = tokio::join!(asked, bent(far_in, near_out));
            });
        }
    });
    Ok(port)
}

/// Frames of HTTP/2, of which those with data are bent.
async fn bent(mut from: OwnedReadHalf, mut to: OwnedWriteHalf) -> std::io::Result<()> {
    loop {
        let mut head = [0; 9];
        from.read_exact(&mut head).await?;
        let length = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
        let mut payload = vec![0; length];
        from.read_exact(&mut payload).await?;
        if head[3] == 0
            && let Some(byte) =
                payload.len().checked_sub(LONG).and_then(|_| payload.get_mut(length - 40))
        {
            *byte ^= 1;
        }
        to.write_all(&head).await?;
        to.write_all(&payload).await?;
    }
}
