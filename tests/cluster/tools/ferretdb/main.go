// Serves the MongoDB protocol at the address $1, from SQLite files in the folder $2 or the PostgreSQL database at the
// address $2, until it is killed.
//
// An update of one document is atomic here, as it is in MongoDB. FerretDB 1 by itself, whatever it stores its data in, reads
// the document, compares it with the filter and writes it by its id, and so loses updates that come in between: it gets one
// command at a time.
// (FerretDB's own program panics unless it is built from a checkout of its repository.)
//
// The harness builds it with a FerretDB that uses its indexes on SQLite: see src/assets/recipe.rs.
package main

import (
	"context"
	"encoding/binary"
	"io"
	"log"
	"net"
	"net/url"
	"os"
	"strings"
	"sync"

	"github.com/FerretDB/FerretDB/ferretdb"
)

// FerretDB takes the standard logger for itself, and shows nothing of it.
var logger = log.New(os.Stderr, "", log.LstdFlags)

// Nothing of SQLite waits for the disk: the files go with the test, and a server that is killed loses nothing by it.
const parameters = "?_pragma=synchronous(off)"

// The longest message of the protocol, in bytes.
const maxMessage = 48_000_000

func main() {
	if len(os.Args) != 3 {
		logger.Fatal("usage: ferretdb ADDRESS FOLDER|postgres://DATABASE")
	}
	server, err := ferretdb.New(config(os.Args[2]))
	if err != nil {
		logger.Fatal(err)
	}
	go func() { logger.Fatal(server.Run(context.Background())) }()
	backend, err := url.Parse(server.MongoDBURI())
	if err != nil {
		logger.Fatal(err)
	}
	listener, err := net.Listen("tcp", os.Args[1])
	if err != nil {
		logger.Fatal(err)
	}
	var turn sync.Mutex
	for {
		client, err := listener.Accept()
		if err != nil {
			logger.Fatal(err)
		}
		go serve(client, backend.Host, &turn)
	}
}

func config(storage string) *ferretdb.Config {
	config := ferretdb.Config{Listener: ferretdb.ListenerConfig{TCP: "127.0.0.1:0"}}
	if strings.HasPrefix(storage, "postgres://") {
		config.Handler = "postgresql"
		config.PostgreSQLURL = storage
	} else {
		config.Handler = "sqlite"
		config.SQLiteURL = "file:" + storage + "/" + parameters
	}
	return &config
}

// Hands the commands of a client on, each when it is its turn, until either side ends the connection.
func serve(client net.Conn, backend string, turn *sync.Mutex) {
	defer client.Close()
	server, err := net.Dial("tcp", backend)
	if err != nil {
		logger.Print(err)
		return
	}
	defer server.Close()
	for {
		command, err := read(client)
		if err != nil {
			return
		}
		answer, err := ask(server, command, turn)
		if err != nil {
			logger.Print(err)
			return
		}
		if _, err := client.Write(answer); err != nil {
			return
		}
	}
}

func ask(server net.Conn, command []byte, turn *sync.Mutex) ([]byte, error) {
	turn.Lock()
	defer turn.Unlock()
	if _, err := server.Write(command); err != nil {
		return nil, err
	}
	return read(server)
}

// A message begins with its length, in 32 bits.
func read(from io.Reader) ([]byte, error) {
	var header [4]byte
	if _, err := io.ReadFull(from, header[:]); err != nil {
		return nil, err
	}
	length := binary.LittleEndian.Uint32(header[:])
	if length < 16 || length > maxMessage {
		return nil, io.ErrUnexpectedEOF
	}
	message := make([]byte, length)
	copy(message, header[:])
	_, err := io.ReadFull(from, message[4:])
	return message, err
}
