// Who should lead? Score URL REQUEST.json [CA.pem]: prints who, the outcome, and the first reason.
// Where the service asks for a token, LEADFIT_TOKEN has it.
import com.google.protobuf.util.JsonFormat;
import io.grpc.*;
import io.grpc.stub.MetadataUtils;
import java.io.File;
import java.net.URI;
import java.nio.file.*;
import java.util.concurrent.TimeUnit;
import leadfit.v1.*;

public class Score {
    public static void main(String[] args) throws Exception {
        URI url = URI.create(args[0]);
        ScoreRequest.Builder request = ScoreRequest.newBuilder();
        JsonFormat.parser().merge(Files.readString(Path.of(args[1])), request);

        ChannelCredentials credentials = InsecureChannelCredentials.create();
        if (url.getScheme().equals("https") && args.length > 2)
            credentials = TlsChannelCredentials.newBuilder().trustManager(new File(args[2])).build();
        else if (url.getScheme().equals("https"))
            credentials = TlsChannelCredentials.create();
        Metadata headers = new Metadata();
        String token = System.getenv("LEADFIT_TOKEN");
        if (token != null)
            headers.put(Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER), "Bearer " + token);

        ManagedChannel channel = Grpc.newChannelBuilder(url.getAuthority(), credentials).build();
        try {
            Decision decision = ScoringGrpc.newBlockingStub(channel).withDeadlineAfter(10, TimeUnit.SECONDS)
                    .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers)).score(request.build());
            System.out.println(decision.getRecommended() + "\n" + decision.getOutcome() + "\n" + decision.getExplanation(0));
        } catch (StatusRuntimeException error) {
            System.err.println(error.getStatus().getCode() + ": " + error.getStatus().getDescription());
            System.exit(1);
        } finally {
            channel.shutdownNow().awaitTermination(5, TimeUnit.SECONDS);
        }
    }
}
