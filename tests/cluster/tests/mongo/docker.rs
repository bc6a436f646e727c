//! A Docker that is played: its API on a port of this machine, and its program.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    thread,
};

use serde_json::{Value, json};

/// The fake program `docker`, which notes its arguments.
const PROGRAM: &str = "#!/bin/sh\necho \"$*\" >> \"$0.calls\"\n";

pub(crate) struct FakeDocker {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
    folder: tempfile::TempDir,
}

impl FakeDocker {
    /// A Docker that has this image and can't download any other.
    pub(crate) fn with_image(image: &'static str) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let requests: Arc<Mutex<Vec<String>>> = Arc::default();
        let noted = requests.clone();
        thread::spawn(move || {
            for client in listener.incoming() {
                let requests = noted.clone();
                thread::spawn(move || serve(&client.unwrap(), image, &requests));
            }
        });
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("docker");
        fs::write(&program, PROGRAM).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        Self {
            address,
            requests,
            folder,
        }
    }

    /// The value of `DOCKER_HOST`.
    pub(crate) fn host(&self) -> String {
        format!("tcp://{}", self.address)
    }

    /// The folder of its program.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Method and path of each request.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    /// How its program was called.
    pub(crate) fn calls(&self) -> String {
        let file: PathBuf = self.folder().join("docker.calls");
        fs::read_to_string(file).unwrap_or_default()
    }
}

/// Takes one request.
fn serve(client: &TcpStream, image: &str, requests: &Mutex<Vec<String>>) {
    let mut reader = BufReader::new(client);
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    let request = line.split(" HTTP/").next().unwrap().to_owned();
    if request.is_empty() {
        return;
    }
    let mut length = 0;
    loop {
        line.clear();
        reader.read_line(&mut line).unwrap();
        if line.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let (status, answer) = answer(&request, &body, image);
    requests.lock().unwrap().push(request);
    let answer = answer.to_string();
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        answer.len()
    );
    let mut client = client;
    client.write_all((head + &answer).as_bytes()).unwrap();
}

fn answer(request: &str, body: &[u8], image: &str) -> (&'static str, Value) {
    let path = request.split(['?', ' ']).nth(1).unwrap_or_default();
    match path {
        "/_ping" => ("200 OK", json!("OK")),
        "/containers/create" => {
            let wanted: Value = serde_json::from_slice(body).unwrap();
            if wanted["Image"] != image {
                return ("404 Not Found", json!({ "message": "No such image" }));
            }
            let port = &wanted["HostConfig"]["PortBindings"]["27017/tcp"][0]["HostPort"];
            start_mongo(port.as_str().unwrap().parse().unwrap());
            ("201 Created", json!({ "Id": "c1", "Warnings": [] }))
        }
        "/images/create" => (
            "500 Internal Server Error",
            json!({ "message": "no route to host" }),
        ),
        "/containers/c1/start" => ("200 OK", json!({})),
        "/containers/c1/json" => ("200 OK", json!({ "Id": "c1", "State": { "Running": true } })),
        _ => (
            "404 Not Found",
            json!({ "message": format!("{request} is not played") }),
        ),
    }
}

/// Something that answers the first command of a client, and no more.
fn start_mongo(port: u16) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
    thread::spawn(move || {
        for client in listener.incoming() {
            let mut client = client.unwrap();
            let mut header = [[0; 4]; 4];
            client.read_exact(header.as_flattened_mut()).unwrap();
            let [length, number, _, kind] = header.map(u32::from_le_bytes);
            let mut command = vec![0; length as usize - 16];
            client.read_exact(&mut command).unwrap();
            let answer = [16, 1, number, kind].map(u32::to_le_bytes);
            client.write_all(answer.as_flattened()).unwrap();
        }
    });
}
