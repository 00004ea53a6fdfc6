// Who should lead? score URL REQUEST.json: prints who, the outcome, and the first reason.
// Where the service asks for a token, LEADFIT_TOKEN has it.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/encoding/protojson"

	leadfit "leadfit/v1"
)

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func main() {
	text, err := os.ReadFile(os.Args[2])
	check(err)
	request := &leadfit.ScoreRequest{}
	check(protojson.Unmarshal(text, request))

	scheme, server, _ := strings.Cut(os.Args[1], "://")
	security := grpc.WithInsecure()
	if scheme == "https" { // SSL_CERT_FILE names a CA that the system does not have
		security = grpc.WithTransportCredentials(credentials.NewClientTLSFromCert(nil, ""))
	}
	connection, err := grpc.Dial(server, security)
	check(err)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if token := os.Getenv("LEADFIT_TOKEN"); token != "" {
		ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token)
	}
	decision, err := leadfit.NewScoringClient(connection).Score(ctx, request)
	check(err)
	fmt.Printf("%s\n%v\n%s\n", decision.Recommended, decision.Outcome, decision.Explanation[0])
}
