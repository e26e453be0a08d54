//! A client of PostgreSQL's protocol, version 3 (53.2), so that a test says what is sent when: portals that are not read to their end,
//! pipelines, sessions that a pool hands round, bytes of any encoding.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// A connection.
pub(crate) struct Client {
    stream: UnixStream,
}

impl Client {
    /// Connects to the socket of a port in a folder; `further`: more parameters of the session.
    pub(crate) fn connect(
        (folder, port): (&Path, u16),
        (role, database): (&str, &str),
        application: &str,
        further: &[(&str, &str)],
    ) -> Self {
        let stream = UnixStream::connect(folder.join(format!(".s.PGSQL.{port}"))).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let mut body = 196_608i32.to_be_bytes().to_vec();
        let own = [("user", role), ("database", database), ("application_name", application)];
        for (name, value) in own.iter().chain(further) {
            body.extend([name.as_bytes(), &[0], value.as_bytes(), &[0]].concat());
        }
        body.push(0);
        let mut client = Self { stream };
        client.write(&[], &body);
        client.until_ready();
        client
    }

    fn write(&mut self, kind: &[u8], body: &[u8]) {
        let length = i32::try_from(body.len() + 4).unwrap().to_be_bytes();
        self.stream.write_all(&[kind, &length, body].concat()).unwrap();
    }

    fn message(&mut self) -> (u8, Vec<u8>) {
        let mut head = [0; 5];
        self.stream.read_exact(&mut head).unwrap();
        let length = u32::from_be_bytes(head[1..].try_into().unwrap());
        let mut body = vec![0; length as usize - 4];
        self.stream.read_exact(&mut body).unwrap();
        (head[0], body)
    }

    /// Reads up to where the server waits; gives how many rows came.
    fn until_ready(&mut self) -> usize {
        let mut rows = 0;
        loop {
            match self.message().0 {
                b'Z' => return rows,
                b'D' => rows += 1,
                _ => {}
            }
        }
    }

    /// Executes a text; gives how many rows came.
    pub(crate) fn query(&mut self, text: &str) -> usize {
        self.query_bytes(text.as_bytes())
    }

    /// Executes a text of any encoding.
    pub(crate) fn query_bytes(&mut self, text: &[u8]) -> usize {
        self.write(b"Q", &[text, &[0]].concat());
        self.until_ready()
    }

    /// Prepares a statement.
    pub(crate) fn parse(&mut self, name: &str, text: &str) {
        let body = [name.as_bytes(), &[0], text.as_bytes(), &[0, 0, 0]].concat();
        self.write(b"P", &body);
    }

    /// Makes a portal of a statement with its parameters.
    pub(crate) fn bind(&mut self, portal: &str, name: &str, parameters: &[&str]) {
        let mut body = [portal.as_bytes(), &[0], name.as_bytes(), &[0, 0, 0]].concat();
        body.extend(i16::try_from(parameters.len()).unwrap().to_be_bytes());
        for it in parameters {
            body.extend(i32::try_from(it.len()).unwrap().to_be_bytes());
            body.extend(it.as_bytes());
        }
        body.extend([0, 0]);
        self.write(b"B", &body);
    }

    /// Asks for rows of a portal, at most so many; 0: all.
    pub(crate) fn execute(&mut self, portal: &str, rows: i32) {
        self.write(b"E", &[portal.as_bytes(), &[0], &rows.to_be_bytes()].concat());
    }

    /// Ends a pipeline; gives how many rows came.
    pub(crate) fn sync(&mut self) -> usize {
        self.write(b"S", &[]);
        self.until_ready()
    }

    /// Says good-bye. Dropped, it is gone without a word.
    pub(crate) fn close(mut self) {
        self.write(b"X", &[]);
        let mut rest = Vec::new();
        let _ = self.stream.read_to_end(&mut rest);
    }
}
