//! The least of HTTP/2 (RFC 9113) that it takes to ask one question, since the clients of these tests speak HTTP/1.1.

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

const SETTINGS: u8 = 4;
const HEADERS: u8 = 1;
const END_STREAM_AND_HEADERS: u8 = 5;

/// Asks for a path, with further headers, and gives the block of the answer's headers as it is sent.
pub async fn get(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    path: &str,
    headers: &[(&str, &str)],
) -> std::io::Result<Vec<u8>> {
    // From the static table: the method GET, the scheme https, and the names of path and authority.
    let mut block = vec![0x82, 0x87];
    literal(&mut block, 0x04, path);
    literal(&mut block, 0x01, "localhost");
    for (name, value) in headers {
        block.push(0);
        text(&mut block, name);
        text(&mut block, value);
    }
    stream
        .write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        .await?;
    stream.write_all(&frame(SETTINGS, 0, 0, &[])).await?;
    let question = frame(HEADERS, END_STREAM_AND_HEADERS, 1, &block);
    stream.write_all(&question).await?;
    stream.flush().await?;
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).await?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; length as usize];
        stream.read_exact(&mut payload).await?;
        if head[3] == HEADERS {
            return Ok(payload);
        }
    }
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = length[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

fn literal(block: &mut Vec<u8>, name: u8, value: &str) {
    block.push(name);
    text(block, value);
}

/// Without Huffman's code; the length in seven bits, and what is more in bytes of seven bits (RFC 7541, section 5.1).
fn text(block: &mut Vec<u8>, text: &str) {
    let mut length = text.len();
    if length < 127 {
        block.push(length as u8);
    } else {
        block.push(127);
        length -= 127;
        while length >= 128 {
            block.push((length % 128 + 128) as u8);
            length /= 128;
        }
        block.push(length as u8);
    }
    block.extend(text.as_bytes());
}
