package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/spf13/cobra"

	"github.com/ctr-operator/ctr-operator/runtime/contract"
)

// s3Command takes credentials and the endpoint from the same variables as the runtime does.
func s3Command() *cobra.Command {
	cmd := &cobra.Command{Use: "s3", Short: "Put, get and remove objects of an S3 server"}
	add := func(use, short string, run func(ctx context.Context, client *s3.Client, where object, cmd *cobra.Command) error) {
		cmd.AddCommand(&cobra.Command{
			Use: use + " s3://BUCKET/KEY", Short: short, Args: cobra.ExactArgs(1),
			RunE: func(cmd *cobra.Command, args []string) error {
				where, err := parseObject(args[0])
				if err != nil {
					return err
				}
				client, err := s3Client()
				if err != nil {
					return err
				}
				if err := run(cmd.Context(), client, where, cmd); err != nil {
					return fmt.Errorf("%s %s: %w", use, args[0], err)
				}
				return nil
			},
		})
	}
	add("mb", "Make the bucket, if it is not there", makeBucket)
	add("put", "Put standard input", putObject)
	add("get", "Print the object", getObject)
	add("rm", "Remove the object; with a key that ends in a slash, all below it", removeObjects)
	return cmd
}

type object struct{ bucket, key string }

func parseObject(url string) (object, error) {
	rest, ok := strings.CutPrefix(url, "s3://")
	bucket, key, _ := strings.Cut(rest, "/")
	if !ok || bucket == "" {
		return object{}, fmt.Errorf("%q is not s3://BUCKET/KEY", url)
	}
	return object{bucket, key}, nil
}

func s3Client() (*s3.Client, error) {
	endpoint := os.Getenv(contract.EnvEndpoint)
	id, secret := os.Getenv(contract.EnvAccessKeyID), os.Getenv(contract.EnvSecretAccessKey)
	if endpoint == "" || id == "" || secret == "" {
		return nil, fmt.Errorf("%s, %s and %s must be set",
			contract.EnvEndpoint, contract.EnvAccessKeyID, contract.EnvSecretAccessKey)
	}
	region := os.Getenv(contract.EnvRegion)
	if region == "" {
		region = "us-east-1"
	}
	return s3.New(s3.Options{
		BaseEndpoint: aws.String(endpoint),
		Region:       region,
		UsePathStyle: true,
		Credentials:  credentials.NewStaticCredentialsProvider(id, secret, ""),
	}), nil
}

func makeBucket(ctx context.Context, client *s3.Client, where object, _ *cobra.Command) error {
	_, err := client.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: &where.bucket})
	var mine *types.BucketAlreadyOwnedByYou
	var taken *types.BucketAlreadyExists
	if errors.As(err, &mine) || errors.As(err, &taken) {
		return nil
	}
	return err
}

func putObject(ctx context.Context, client *s3.Client, where object, cmd *cobra.Command) error {
	content, err := io.ReadAll(cmd.InOrStdin())
	if err != nil {
		return fmt.Errorf("reading standard input: %w", err)
	}
	_, err = client.PutObject(ctx, &s3.PutObjectInput{Bucket: &where.bucket, Key: &where.key, Body: bytes.NewReader(content)})
	return err
}

func getObject(ctx context.Context, client *s3.Client, where object, cmd *cobra.Command) error {
	got, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: &where.bucket, Key: &where.key})
	if err != nil {
		return err
	}
	defer got.Body.Close()
	_, err = io.Copy(cmd.OutOrStdout(), got.Body)
	return err
}

func removeObjects(ctx context.Context, client *s3.Client, where object, _ *cobra.Command) error {
	if where.key != "" && !strings.HasSuffix(where.key, "/") {
		_, err := client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &where.bucket, Key: &where.key})
		return err
	}
	pages := s3.NewListObjectsV2Paginator(client, &s3.ListObjectsV2Input{Bucket: &where.bucket, Prefix: &where.key})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, o := range page.Contents {
			if _, err := client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &where.bucket, Key: o.Key}); err != nil {
				return err
			}
		}
	}
	return nil
}
