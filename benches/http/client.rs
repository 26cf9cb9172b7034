//! A small HTTP/1.1 client that keeps its connection: blocking, so that it takes as little as possible of the machine it measures on.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

/// What a server answered.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub etag: Option<String>,
    pub body: Vec<u8>,
}

#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    pub fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        Self { stream, buffer: Vec::with_capacity(256 * 1024) }
    }

    /// Sends a request and reads its answer into the buffer; gives its status, and where headers and body end.
    pub fn call(&mut self, request: &[u8]) -> (u16, usize, usize) {
        self.stream.write_all(request).unwrap();
        self.buffer.clear();
        let head = loop {
            self.fill();
            if let Some(end) = self.buffer.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
        };
        let status = std::str::from_utf8(&self.buffer[9..12]).unwrap().parse().unwrap();
        let length = if status == 304 { 0 } else { self.header(head, "content-length").unwrap().parse().unwrap() };
        while self.buffer.len() < head + length {
            self.fill();
        }
        (status, head, head + length)
    }

    /// As [`Connection::call`], copied out.
    pub fn answer(&mut self, request: &[u8]) -> Answer {
        let (status, head, end) = self.call(request);
        Answer { status, etag: self.etag(head), body: self.buffer[head..end].to_vec() }
    }

    pub fn etag(&self, head: usize) -> Option<String> {
        self.header(head, "etag").map(ToOwned::to_owned)
    }

    fn header(&self, head: usize, name: &str) -> Option<&str> {
        let text = std::str::from_utf8(&self.buffer[..head]).unwrap();
        let pairs = text.lines().filter_map(|line| line.split_once(": "));
        pairs.into_iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    fn fill(&mut self) {
        let mut chunk = [0_u8; 64 * 1024];
        let read = self.stream.read(&mut chunk).unwrap();
        assert!(read > 0, "the server closed the connection");
        self.buffer.extend_from_slice(&chunk[..read]);
    }
}

/// A request as it goes over the wire.
pub fn request(method: &str, path: &str, token: &str, condition: Option<(&str, &str)>, body: Option<&str>) -> Vec<u8> {
    let mut text = format!("{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n");
    if let Some((name, value)) = condition {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    if let Some(body) = body {
        text.push_str(&format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len()));
    }
    text.push_str("\r\n");
    text.push_str(body.unwrap_or_default());
    text.into_bytes()
}
