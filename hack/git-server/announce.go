package main

import (
	"bufio"
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"
)

// announce is what a forge does after a push, for a post-receive hook: one signed request for each line
// `OLD NEW REF` of the standard input, as GitHub writes it.
//
//	git-server announce --url http://127.0.0.1:9292/hooks/NAMESPACE/GITSYNC --token-file FILE
func announce(args []string) error {
	flags := flag.NewFlagSet("announce", flag.ExitOnError)
	url := flags.String("url", "", "where to announce it")
	tokenFile := flags.String("token-file", "", "file with the token that signs it")
	flags.Parse(args)
	token, err := os.ReadFile(*tokenFile)
	if err != nil {
		return err
	}
	token = bytes.TrimRight(token, "\n")
	client := &http.Client{Timeout: 5 * time.Second}
	pushed := bufio.NewScanner(os.Stdin)
	for pushed.Scan() {
		fields := strings.Fields(pushed.Text())
		if len(fields) != 3 {
			return fmt.Errorf("not `OLD NEW REF`: %q", pushed.Text())
		}
		body, err := json.Marshal(map[string]string{"before": fields[0], "after": fields[1], "ref": fields[2]})
		if err != nil {
			return err
		}
		if err := send(client, *url, token, body); err != nil {
			return err
		}
	}
	return pushed.Err()
}

func send(client *http.Client, url string, token, body []byte) error {
	request, err := http.NewRequest(http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	mac := hmac.New(sha256.New, token)
	mac.Write(body)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-GitHub-Event", "push")
	request.Header.Set("X-Hub-Signature-256", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	answer, err := client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	said, _ := io.ReadAll(io.LimitReader(answer.Body, 1024))
	if answer.StatusCode/100 != 2 {
		return fmt.Errorf("%s answers %s: %s", url, answer.Status, strings.TrimSpace(string(said)))
	}
	return nil
}
